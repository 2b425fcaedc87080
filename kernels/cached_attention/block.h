// What a block of rows makes of the pages of one segment, see cached_attention.h: products with
// keys, softmax, weighed values.
#ifndef SINTER_CACHED_ATTENTION_BLOCK_H
#define SINTER_CACHED_ATTENTION_BLOCK_H

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
struct Block {
  using Float = typename Lanes::Float;
  using Int = typename Lanes::Int;
  static constexpr int width = Lanes::width;
  static constexpr bool codes = std::is_same_v<Element, int8_t>;
  static constexpr bool pairs = !std::is_same_v<Element, float>;

  // Vectors side by side: two, or four where there are so few rows that the accumulators of two
  // would wait for one another, but no more than `most` elements.
  template <int rows>
  static constexpr int columns_for(int64_t most) {
    const int columns = rows <= 2 ? 4 : 2;
    return columns * width <= most ? columns : static_cast<int>(most / width);
  }

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

  // Adds to `columns` vectors of the sums of rows r to r + rows what tokens of a page weigh, by
  // weights from column t of the scores on.
  template <int rows, int columns, bool half>
  void weigh(const Element *v, int64_t r, int64_t t, int64_t tokens, int64_t d) const {
    float *to = sums + r * record + d;
    Float sum[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        sum[i][c] = Lanes::load(to + i * record + c * width);
      }
    }
    const float *weights = scores + r * score_stride + t;
    v += d;
    for (int64_t j = 0; j < tokens; j++, v += value_stride) {
      Float value[columns];
      for (int c = 0; c < columns; c++) {
        if constexpr (half) {
          value[c] = Lanes::load_half_value(v);
        } else {
          value[c] = Lanes::load_value(v + c * width);
        }
      }
      for (int i = 0; i < rows; i++) {
        const Float weight = Lanes::broadcast(weights[i * score_stride + j]);
        for (int c = 0; c < columns; c++) {
          sum[i][c] = Lanes::fma(weight, value[c], sum[i][c]);
        }
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int c = 0; c < columns; c++) {
        Lanes::store(to + i * record + c * width, sum[i][c]);
      }
    }
  }

  // All columns page by page: the values of a segment may be more than the L1 cache holds.
  template <int rows>
  void weigh_tokens(int64_t r, int64_t base, int64_t from, int64_t to) const {
    constexpr int columns = columns_for<rows>(SINTER_KV_MAX_HEAD_DIM);
    for (int64_t t = from, stop; t < to; t = stop) {
      const int64_t slot = t % page_tokens;
      stop = to - t < page_tokens - slot ? to : t + page_tokens - slot;
      const Element *v =
          reinterpret_cast<const Element *>(page(base + t) + values) + slot * value_stride;
      int64_t d = 0;
      for (; d + columns * width <= value_stride; d += columns * width) {
        weigh<rows, columns, false>(v, r, t, stop - t, d);
      }
      for (; d + width <= value_stride; d += width) {
        weigh<rows, 1, false>(v, r, t, stop - t, d);
      }
      if constexpr (width > 8) {
        if (d < value_stride) {
          weigh<rows, 1, true>(v, r, t, stop - t, d);
        }
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
        weigh_tokens<1>(r + i, base, begin[r + i], last);
      }
    }
    weigh_tokens<rows>(r, base, from, to);
    if constexpr (rows > 1) {
      for (int i = 0; i < rows; i++) {
        weigh_tokens<1>(r + i, base, to, end[r + i]);
      }
    }
  }
};

}  // namespace

#endif
