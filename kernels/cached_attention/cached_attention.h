// Causal attention over a paged KV cache; native/include/sinter.h says what it computes, and draws
// the pages.
//
// The rows of a call are its queries: those of all query heads of one head of keys and values, so
// that both are read once. Rows go in blocks of 32, positions in segments of 256:
//
//   queries [rows][head_dim, even]   times scale * log2(e); for an int8 cache 16-bit codes instead
//   scores  [rows][256]              queries (broadcast) times keys (vectors of tokens), then
//                                    2^(s - max), for an int8 cache times the scale of the value
//   sums    [rows] records           scores (broadcast) times values (vectors of elements), then
//                                    the largest score and the sum of weights
//   merged  [rows] records           of the segments so far, each times 2^(its max - max of all)
//
// A row's result depends on its query, its position and the keys and values that it sees, on
// nothing else: segments begin at multiples of 256, sums over head_dim and over tokens run in
// order, and what other rows of a block see besides is left out, not weighed by 0. So one row gives
// the same bits as eight, and as segments on several threads that are merged afterwards.
//
// Int8 keys: a query becomes codes of 16 bits (amax / 32767), keys widen to 16 bits, and pairs of
// products add up in int32: 32767 * 127 * head_dim < 2^31 for head_dim <= 512. Half a step of the
// query moves a score by at most scale * amax(q) / 65534 * sum |k|, 2^-9 of what the 8-bit codes of
// the key cost, and the instructions are as many as with an 8-bit query on CPUs without vpdpbusd;
// with it, what limits the rest of the kernel is f32. Values take part in f32: codes for the
// weights would lose the many small ones beside a large one, an error without a useful bound.
//
// Alignment: pages and scratch 64 bytes, all else none. Over-read: none outside of pages, of which
// all 32 tokens and what pads a value to 8 elements may be read. Over-write: none.
// NaN and infinity in a query or a key make the scores they reach NaN, and what follows. Weights
// below 2^-126 count as zero, which keeps 2^n a normal number.
// Segments and their merge are those of online softmax (Milakov and Gimelshein, 2018) and of
// Flash-Decoding (Dao et al., 2023).
//
// Everything has internal linkage: the same inline function compiled for two instruction sets would
// leave the linker to keep one of them for all.
#ifndef SINTER_CACHED_ATTENTION_H
#define SINTER_CACHED_ATTENTION_H

#include "block.h"

namespace {

template <class Lanes, class Element>
struct CachedAttention : Block<Lanes, Element> {
  using Base = Block<Lanes, Element>;
  using Base::a, Base::begin, Base::codes, Base::count, Base::end;
  using Base::first_row, Base::first_visible, Base::head_dim, Base::merged, Base::page;
  using Base::position, Base::record, Base::scales, Base::scores, Base::sums, Base::width;
  using Float = typename Lanes::Float;

  // work(integral constant, first) for the rows of the block: as many full pieces as fit, then
  // halves.
  template <int rows, class Work>
  void pieces(int64_t first, const Work &work) const {
    for (; first + rows <= count; first += rows) {
      work(std::integral_constant<int, rows>(), first);
    }
    if constexpr (rows > 1) {
      pieces<rows / 2>(first, work);
    }
  }

  // The hardware does not know where the next page is. Worth 5% of decoding where little is
  // computed with what is read.
  void prefetch(const uint8_t *next) const {
    const int64_t bytes = scales + (codes ? 2 * page_tokens * 4 : 0);
    for (int64_t i = 0; i < bytes; i += 64) {
      __builtin_prefetch(next + i);
    }
  }

  // The records of the block for one segment, where begin < end.
  void attend(int64_t segment) {
    const int64_t base = segment * segment_tokens;
    int64_t from = segment_tokens;
    int64_t to = 0;
    for (int64_t r = 0; r < count; r++) {
      const int64_t p = position(r);
      const int64_t first = first_visible(p) - base;
      const int64_t last = p + 1 - base;
      begin[r] = static_cast<int32_t>(first < 0                ? 0
                                      : first > segment_tokens ? segment_tokens
                                                               : first);
      end[r] = static_cast<int32_t>(last < 0 ? 0 : last > segment_tokens ? segment_tokens : last);
      if (begin[r] < end[r]) {
        from = from < begin[r] ? from : begin[r];
        to = to > end[r] ? to : end[r];
      }
    }
    for (int64_t t = from / page_tokens * page_tokens; t < to; t += page_tokens) {
      const uint8_t *keys = page(base + t);
      if (base + t + page_tokens <= a.position) {
        prefetch(page(base + t + page_tokens));
      }
      pieces<Lanes::rows>(0, [&](auto rows, int64_t r) {
        constexpr int columns = Base::template columns_for<rows>(page_tokens);
        for (int64_t slot = 0; slot < page_tokens; slot += columns * width) {
          this->template score<rows, columns>(keys, r, slot, scores + t + slot);
        }
      });
    }
    std::memset(sums, 0, static_cast<size_t>(count * record) * sizeof(float));
    for (int64_t r = 0; r < count; r++) {
      if (begin[r] < end[r]) {
        this->softmax(r, base);
      }
    }
    pieces<Lanes::rows>(0, [&](auto rows, int64_t r) { this->template weigh_rows<rows>(r, base); });
  }

  // One softmax more in the record of another: both relative to the larger of their largest scores.
  void merge(float *into, const float *from, bool first) const {
    if (first) {
      std::memcpy(into, from, static_cast<size_t>(record) * sizeof(float));
      return;
    }
    const float before = into[record - 2];
    const float now = from[record - 2];
    const float largest = before > now ? before : now;
    const Float x = exp2_negative<Lanes>(Lanes::broadcast(before - largest));
    const Float y = exp2_negative<Lanes>(Lanes::broadcast(now - largest));
    // The sum of weights goes through the same arithmetic as those of values.
    for (int64_t i = 0; i < record; i += width) {
      const Float sum = Lanes::multiply(Lanes::load(into + i), x);
      Lanes::store(into + i, Lanes::fma(Lanes::load(from + i), y, sum));
    }
    into[record - 2] = largest;
  }

  void store(const float *from, int64_t row) const {
    float *to = a.out + row / a.group * a.out_stride + row % a.group * head_dim;
    const Float inverse = Lanes::broadcast(1.0f / from[record - 1]);
    int64_t d = 0;
    for (; d + width <= head_dim; d += width) {
      Lanes::store(to + d, Lanes::multiply(Lanes::load(from + d), inverse));
    }
    if (d < head_dim) {
      const Float result = Lanes::multiply(Lanes::load(from + d), inverse);
      Lanes::store_tail(to + d, result, static_cast<int>(head_dim - d));
    }
  }

  // work() for each block of rows.
  template <class Work>
  void blocks(const Work &work) {
    const int64_t rows = a.rows * a.group;
    for (; first_row < rows; first_row += block_rows) {
      count = rows - first_row < block_rows ? rows - first_row : block_rows;
      work();
    }
  }

  void run() {
    blocks([&] {
      this->prepare_queries();
      const int64_t first = first_visible(position(0)) / segment_tokens;
      const int64_t last = position(count - 1) / segment_tokens;
      bool merged_before[block_rows] = {};
      for (int64_t segment = first; segment <= last; segment++) {
        attend(segment);
        for (int64_t r = 0; r < count; r++) {
          if (begin[r] < end[r]) {
            merge(merged + r * record, sums + r * record, !merged_before[r]);
            merged_before[r] = true;
          }
        }
      }
      for (int64_t r = 0; r < count; r++) {
        store(merged + r * record, first_row + r);
      }
    });
  }

  void run_segment(int64_t segment, float *part) {
    blocks([&] {
      this->prepare_queries();
      sums = part + first_row * record;
      attend(segment);
    });
  }

  void run_merge(const float *parts, int64_t stride, int64_t parts_count) const {
    for (int64_t row = 0; row < a.group; row++) {
      for (int64_t i = 0; i < parts_count; i++) {
        merge(merged, parts + i * stride + row * record, i == 0);
      }
      store(merged, row);
    }
  }
};

// work(kernel) with the kernel for the type of the cache.
template <class Lanes, class Work>
inline void with_kernel(const sinter_cached_attention_args &args, const void *const *pages,
                        const Work &work) {
  const auto *bytes = reinterpret_cast<const uint8_t *const *>(pages);
  if (args.kv_type == SINTER_KV_F32) {
    work(CachedAttention<Lanes, float>{{args, bytes}});
  } else if (args.kv_type == SINTER_KV_BF16) {
    work(CachedAttention<Lanes, uint16_t>{{args, bytes}});
  } else {
    work(CachedAttention<Lanes, int8_t>{{args, bytes}});
  }
}

}  // namespace

#define SINTER_DEFINE_CACHED_ATTENTION(isa, Lanes)                                                \
  namespace sinter {                                                                              \
  void cached_attention_##isa(const sinter_cached_attention_args &args,                           \
                              const void *const *pages) {                                         \
    with_kernel<Lanes>(args, pages, [](auto kernel) { kernel.run(); });                           \
  }                                                                                               \
  void cached_attention_segment_##isa(const sinter_cached_attention_args &args,                   \
                                      const void *const *pages, int64_t segment, float *part) {   \
    with_kernel<Lanes>(args, pages, [&](auto kernel) { kernel.run_segment(segment, part); });     \
  }                                                                                               \
  void cached_attention_merge_##isa(const sinter_cached_attention_args &args, const float *parts, \
                                    int64_t stride, int64_t count) {                              \
    CachedAttention<Lanes, float>{{args, nullptr}}.run_merge(parts, stride, count);               \
  }                                                                                               \
  }

#endif
