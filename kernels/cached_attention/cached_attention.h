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

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "attention/exp2_negative.h"
#include "rows/rounding.h"
#include "sinter.h"

namespace {

constexpr int64_t page_tokens = SINTER_KV_PAGE_TOKENS;
constexpr int64_t segment_tokens = SINTER_KV_SEGMENT_TOKENS;
constexpr int64_t block_rows = 32;
constexpr int64_t score_stride = segment_tokens + 16;  // rows in different sets of the L1 cache
constexpr float log2_e = 0x1.715476p+0f;

inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// tanh: e^-2|x| is at most 1, and what a small x loses of its relative precision is of no weight in
// a score.
template <class Lanes>
inline typename Lanes::Float tanh_of(typename Lanes::Float x) {
  const auto one = Lanes::broadcast(1.0f);
  const auto magnitude = Lanes::max(Lanes::subtract(Lanes::zero(), x), x);  // NaN if x is
  const auto e = exp2_negative<Lanes>(Lanes::multiply(magnitude, Lanes::broadcast(-2.0f * log2_e)));
  return Lanes::copy_sign(Lanes::divide(Lanes::subtract(one, e), Lanes::add(one, e)), x);
}

// Element: what the cache keeps, float, uint16_t (bfloat16) or int8_t.
template <class Lanes, class Element>
struct CachedAttention {
  using Float = typename Lanes::Float;
  using Int = typename Lanes::Int;
  static constexpr int width = Lanes::width;
  static constexpr bool codes = std::is_same_v<Element, int8_t>;
  static constexpr bool pairs = !std::is_same_v<Element, float>;

  const sinter_cached_attention_args &a;
  const uint8_t *const *pages;
  const int64_t head_dim = a.head_dim;
  const int64_t even = round_up(head_dim, 2);
  const int64_t value_stride = round_up(head_dim, 8);
  const int64_t record = round_up(head_dim, 16) + 16;  // sums of values, ..., largest, sum
  const int64_t values =
      page_tokens * (pairs ? even : head_dim) * static_cast<int64_t>(sizeof(Element));
  const int64_t scales =
      values + page_tokens * value_stride * static_cast<int64_t>(sizeof(Element));

  float *queries = a.scratch;
  float *query_scales = queries + block_rows * even;
  float *scores = query_scales + block_rows;
  float *sums = scores + block_rows * score_stride;
  float *merged = sums + block_rows * record;

  int64_t first_row = 0;           // of the block, counting [rows][group]
  int64_t count = 0;               // of its rows
  int32_t begin[block_rows] = {};  // what a row sees of the segment
  int32_t end[block_rows] = {};

  const uint8_t *page(int64_t token) const { return pages[token / page_tokens] + a.page_offset; }
  int64_t position(int64_t row) const { return a.position + (first_row + row) / a.group; }
  int64_t first_visible(int64_t p) const {
    return a.window == 0 || p < a.window ? 0 : p - a.window + 1;
  }

  void prepare_queries() const {
    const float factor = a.soft_cap > 0 ? a.scale / a.soft_cap : a.scale * log2_e;
    for (int64_t r = 0; r < count; r++) {
      const int64_t row = first_row + r;
      const float *q = a.q + row / a.group * a.q_stride + row % a.group * head_dim;
      if constexpr (codes) {
        encode(q, reinterpret_cast<int16_t *>(queries) + r * even, factor, query_scales + r);
      } else {
        for (int64_t t = 0; t < even; t++) {
          queries[r * even + t] = t < head_dim ? q[t] * factor : 0.0f;
        }
      }
    }
  }

  void encode(const float *q, int16_t *to, float factor, float *scale) const {
    int32_t most = 0;
    for (int64_t t = 0; t < head_dim; t++) {
      int32_t bits;
      std::memcpy(&bits, q + t, sizeof bits);
      bits &= 0x7fffffff;
      most = bits > most ? bits : most;
    }
    float amax;
    std::memcpy(&amax, &most, sizeof amax);
    const bool finite = most < 0x7f800000;
    const float step = amax / 32767.0f;
    for (int64_t t = 0; t < even; t++) {
      const bool code = t < head_dim && finite && step > 0;
      to[t] = static_cast<int16_t>(code ? clamp(round_half_even(q[t] / step), -32767, 32767) : 0);
    }
    *scale = finite ? step * factor : std::numeric_limits<float>::quiet_NaN();
  }

  // Scores of rows r to r + rows with `columns` vectors of the tokens of a page.
  template <int rows, int columns>
  void score(const uint8_t *keys, int64_t r, int64_t slot, float *to) const {
    Float x[rows][columns];
    if constexpr (codes) {
      Int sum[rows][columns];
      for (auto &row : sum) {
        for (auto &s : row) {
          s = Lanes::zero_int();
        }
      }
      const int16_t *q = reinterpret_cast<const int16_t *>(queries) + r * even;
      const int8_t *k = reinterpret_cast<const int8_t *>(keys) + 2 * slot;
      for (int64_t t = 0; t < even; t += 2, k += 2 * page_tokens) {
        Int key[columns];
        for (int c = 0; c < columns; c++) {
          key[c] = Lanes::widen_pairs(k + 2 * c * width);
        }
        for (int i = 0; i < rows; i++) {
          int32_t pair;
          std::memcpy(&pair, q + i * even + t, sizeof pair);
          const Int query = Lanes::broadcast_int(pair);
          for (int c = 0; c < columns; c++) {
            sum[i][c] = Lanes::add_pair_products(sum[i][c], key[c], query);
          }
        }
      }
      const float *key_scales = reinterpret_cast<const float *>(keys + scales) + slot;
      for (int i = 0; i < rows; i++) {
        const Float query_scale = Lanes::broadcast(query_scales[r + i]);
        for (int c = 0; c < columns; c++) {
          const Float scale = Lanes::multiply(Lanes::load(key_scales + c * width), query_scale);
          x[i][c] = Lanes::multiply(Lanes::to_float(sum[i][c]), scale);
        }
      }
    } else {
      for (auto &row : x) {
        for (auto &s : row) {
          s = Lanes::zero();
        }
      }
      const float *q = queries + r * even;
      const Element *k = reinterpret_cast<const Element *>(keys) + (pairs ? 2 : 1) * slot;
      for (int64_t t = 0; t < head_dim; t += pairs ? 2 : 1) {
        Float key[2][columns];
        for (int c = 0; c < columns; c++) {
          if constexpr (pairs) {
            Lanes::load_pairs(k + 2 * c * width, &key[0][c], &key[1][c]);
          } else {
            key[0][c] = Lanes::load(k + c * width);
          }
        }
        for (int e = 0; e < (pairs ? 2 : 1); e++) {
          for (int i = 0; i < rows; i++) {
            const Float query = Lanes::broadcast(q[i * even + t + e]);
            for (int c = 0; c < columns; c++) {
              x[i][c] = Lanes::fma(key[e][c], query, x[i][c]);
            }
          }
        }
        k += (pairs ? 2 : 1) * page_tokens;
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        // Infinity becomes NaN: 2^(s - max), and a cap all the more, would hide it.
        const Float s = Lanes::fma(x[i][c], Lanes::zero(), x[i][c]);
        Lanes::store(to + (r + i) * score_stride + c * width, s);
      }
    }
  }

  // Turns the scores of a row into weights, and leaves largest and sum in its record.
  void softmax(int64_t r, int64_t base) const {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    float *s = scores + r * score_stride;
    const int64_t from = begin[r] / width * width;
    const int64_t to = round_up(end[r], width);
    if (a.soft_cap > 0) {
      const Float cap = Lanes::broadcast(a.soft_cap * log2_e);
      for (int64_t i = from; i < to; i += width) {
        Lanes::store(s + i, Lanes::multiply(tanh_of<Lanes>(Lanes::load(s + i)), cap));
      }
    }
    for (int64_t i = from; i < begin[r]; i++) {
      s[i] = -infinity;
    }
    for (int64_t i = end[r]; i < to; i++) {
      s[i] = -infinity;
    }
    Float most = Lanes::load(s + from);
    for (int64_t i = from + width; i < to; i += width) {
      most = Lanes::max(most, Lanes::load(s + i));
    }
    const float largest = Lanes::reduce_max(most);
    most = Lanes::broadcast(largest);
    Float sum = Lanes::zero();
    for (int64_t i = from; i < to; i += width) {
      Float weight = exp2_negative<Lanes>(Lanes::subtract(Lanes::load(s + i), most));
      sum = Lanes::add(sum, weight);
      if constexpr (codes) {
        const uint8_t *value_scales = page(base + i) + scales + page_tokens * sizeof(float);
        weight = Lanes::multiply(
            weight, Lanes::load(reinterpret_cast<const float *>(value_scales) + i % page_tokens));
      }
      Lanes::store(s + i, weight);
    }
    sums[r * record + record - 2] = largest;
    sums[r * record + record - 1] = Lanes::reduce_add(sum);
  }

  // Adds to `columns` vectors of the sums of rows r to r + rows what tokens from to `to` weigh.
  template <int rows, int columns, bool half>
  void weigh(int64_t r, int64_t base, int64_t from, int64_t to, int64_t d) const {
    Float sum[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        sum[i][c] = Lanes::load(sums + (r + i) * record + d + c * width);
      }
    }
    for (int64_t t = from; t < to;) {
      const int64_t slot = t % page_tokens;
      const int64_t stop = to - t < page_tokens - slot ? to : t + page_tokens - slot;
      const Element *v =
          reinterpret_cast<const Element *>(page(base + t) + values) + slot * value_stride + d;
      const float *weights = scores + r * score_stride;
      for (; t < stop; t++, v += value_stride) {
        Float value[columns];
        for (int c = 0; c < columns; c++) {
          if constexpr (half) {
            value[c] = Lanes::load_half_value(v);
          } else {
            value[c] = Lanes::load_value(v + c * width);
          }
        }
        for (int i = 0; i < rows; i++) {
          const Float weight = Lanes::broadcast(weights[i * score_stride + t]);
          for (int c = 0; c < columns; c++) {
            sum[i][c] = Lanes::fma(weight, value[c], sum[i][c]);
          }
        }
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        Lanes::store(sums + (r + i) * record + d + c * width, sum[i][c]);
      }
    }
  }

  template <int rows>
  void weigh_all_columns(int64_t r, int64_t base, int64_t from, int64_t to) const {
    if (from >= to) {
      return;
    }
    int64_t d = 0;
    for (; d + Lanes::value_columns * width <= value_stride; d += Lanes::value_columns * width) {
      weigh<rows, Lanes::value_columns, false>(r, base, from, to, d);
    }
    for (; d + width <= value_stride; d += width) {
      weigh<rows, 1, false>(r, base, from, to, d);
    }
    if constexpr (width > 8) {
      if (d < value_stride) {
        weigh<rows, 1, true>(r, base, from, to, d);
      }
    }
  }

  // What all of these rows see is weighed at once, the rest for each of them, in the same order.
  template <int rows>
  void weigh_rows(int64_t r, int64_t base) const {
    int64_t from = begin[r];
    int64_t to = end[r];
    for (int i = 1; i < rows; i++) {
      from = from > begin[r + i] ? from : begin[r + i];
      to = to < end[r + i] ? to : end[r + i];
    }
    to = to > from ? to : from;
    if constexpr (rows > 1) {
      for (int i = 0; i < rows; i++) {
        const int64_t last = end[r + i] < from ? end[r + i] : from;
        weigh_all_columns<1>(r + i, base, begin[r + i], last);
      }
    }
    weigh_all_columns<rows>(r, base, from, to);
    if constexpr (rows > 1) {
      for (int i = 0; i < rows; i++) {
        weigh_all_columns<1>(r + i, base, to, end[r + i]);
      }
    }
  }

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
      pieces<Lanes::score_rows>(0, [&](auto rows, int64_t r) {
        for (int64_t slot = 0; slot < page_tokens; slot += 2 * width) {
          score<rows, 2>(keys, r, slot, scores + t + slot);
        }
      });
    }
    std::memset(sums, 0, static_cast<size_t>(count * record) * sizeof(float));
    for (int64_t r = 0; r < count; r++) {
      if (begin[r] < end[r]) {
        softmax(r, base);
      }
    }
    pieces<Lanes::value_rows>(0, [&](auto rows, int64_t r) { weigh_rows<rows>(r, base); });
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
      prepare_queries();
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
      prepare_queries();
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
    work(CachedAttention<Lanes, float>{args, bytes});
  } else if (args.kv_type == SINTER_KV_BF16) {
    work(CachedAttention<Lanes, uint16_t>{args, bytes});
  } else {
    work(CachedAttention<Lanes, int8_t>{args, bytes});
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
    CachedAttention<Lanes, float>{args, nullptr}.run_merge(parts, stride, count);                 \
  }                                                                                               \
  }

#endif
