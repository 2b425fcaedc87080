// Softmax attention of one head over one sequence; native/include/sinter.h says what it computes.
//
// Queries are taken in blocks of two vectors and lie in the lanes, so that nothing is reduced
// across lanes and only they are transposed. Keys and values are read where they are, or, if
// several blocks need them, from copies side by side: the rows of a wide matrix share few sets of a
// cache.
//
//   qt [head_dim][block]   the block's queries, transposed and times log2(e) / sqrt(head_dim)
//   s  [length][block]     scores: K (broadcast) times qt (vectors), then 2^(s - max), in place
//   out rows               s (broadcast) times V (vectors), divided by the sum at the store
//
// Both products hold `rows` x 2 vectors of accumulators. A result depends on its query and on the
// sequence's keys and values alone: sums run over head_dim and over the keys in order, whatever the
// block. Lanes past the last query hold zeros and are not stored.
//
// Alignment: scratch 64 bytes, all else none. Over-read and over-write: none; the last
// head_dim % width columns of V and out go through masks.
// NaN and infinity in a query, or in a key or value, give NaN: nothing here hides them. Weights
// below 2^-126 count as zero, which keeps 2^n a normal number.
//
// Everything has internal linkage: the same inline function compiled for two instruction sets would
// leave the linker to keep one of them for all.
#ifndef SINTER_ATTENTION_H
#define SINTER_ATTENTION_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "exp2_negative.h"

namespace {

template <class Lanes>
struct Attention {
  using Float = typename Lanes::Float;
  static constexpr int width = Lanes::width;
  static constexpr int block = 2 * width;

  const float *q;
  int64_t q_stride;
  const float *k, *v;
  int64_t stride;  // of k and v
  float *out;
  int64_t out_stride;
  int64_t length;
  int64_t head_dim;
  float *qt;
  float *s;

  // qt of `count` queries; the lanes behind them are zero.
  void transpose_queries(const float *from, int64_t count) const {
    const double log2_e = 0x1.71547652b82fep+0;
    const float scale = static_cast<float>(log2_e / std::sqrt(static_cast<double>(head_dim)));
    int64_t i = 0;
    if constexpr (width >= 8) {
      for (; i + 8 <= count; i += 8) {
        int64_t t = 0;
        for (; t + 8 <= head_dim; t += 8) {
          Lanes::transpose_8x8(from + i * q_stride + t, q_stride, scale, qt + t * block + i, block);
        }
        for (; t < head_dim; t++) {
          for (int64_t lane = i; lane < i + 8; lane++) {
            qt[t * block + lane] = from[lane * q_stride + t] * scale;
          }
        }
      }
    }
    for (; i < block; i++) {
      for (int64_t t = 0; t < head_dim; t++) {
        qt[t * block + i] = i < count ? from[i * q_stride + t] * scale : 0.0f;
      }
    }
  }

  // Scores of keys j to j + rows with `columns` vectors of queries.
  template <int rows, int columns>
  void score(int64_t j) const {
    const float *keys = k + j * stride;
    Float sum[rows][columns];
    for (auto &row : sum) {
      for (auto &x : row) {
        x = Lanes::zero();
      }
    }
    for (int64_t t = 0; t < head_dim; t++) {
      Float queries[columns];
      for (int c = 0; c < columns; c++) {
        queries[c] = Lanes::load(qt + t * block + c * width);
      }
      for (int r = 0; r < rows; r++) {
        const Float key = Lanes::broadcast(keys[r * stride + t]);
        for (int c = 0; c < columns; c++) {
          sum[r][c] = Lanes::fma(key, queries[c], sum[r][c]);
        }
      }
    }
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        Lanes::store(s + (j + r) * block + c * width, sum[r][c]);
      }
    }
  }

  // Turns one vector of score columns into 2^(s - max); leaves 1 / sum in qt, which is free now.
  void softmax(int column) const {
    float *scores = s + column * width;
    Float most = Lanes::load(scores);
    for (int64_t j = 1; j < length; j++) {
      most = Lanes::max(most, Lanes::load(scores + j * block));
    }
    Float sum = Lanes::zero();
    for (int64_t j = 0; j < length; j++) {
      const Float e = exp2_negative<Lanes>(Lanes::subtract(Lanes::load(scores + j * block), most));
      Lanes::store(scores + j * block, e);
      sum = Lanes::add(sum, e);
    }
    Lanes::store(qt + column * width, Lanes::divide(Lanes::broadcast(1.0f), sum));
  }

  // Columns d to d + columns * width (the last vector up to head_dim, if cut) of `rows` results.
  template <int rows, int columns, bool cut>
  void combine(int64_t i, int64_t d, float *results) const {
    const int rest = static_cast<int>(head_dim - d - (columns - 1) * width);
    Float sum[rows][columns];
    for (auto &row : sum) {
      for (auto &x : row) {
        x = Lanes::zero();
      }
    }
    for (int64_t j = 0; j < length; j++) {
      Float values[columns];
      for (int c = 0; c < columns; c++) {
        const float *from = v + j * stride + d + c * width;
        values[c] = cut && c == columns - 1 ? Lanes::load_tail(from, rest) : Lanes::load(from);
      }
      for (int r = 0; r < rows; r++) {
        const Float weight = Lanes::broadcast(s[j * block + i + r]);
        for (int c = 0; c < columns; c++) {
          sum[r][c] = Lanes::fma(weight, values[c], sum[r][c]);
        }
      }
    }
    for (int r = 0; r < rows; r++) {
      const Float inverse = Lanes::broadcast(qt[i + r]);
      float *to = results + (i + r) * out_stride + d;
      for (int c = 0; c < columns; c++) {
        const Float result = Lanes::multiply(sum[r][c], inverse);
        if (cut && c == columns - 1) {
          Lanes::store_tail(to + c * width, result, rest);
        } else {
          Lanes::store(to + c * width, result);
        }
      }
    }
  }

  template <int rows>
  void combine_all_columns(int64_t i, float *results) const {
    int64_t d = 0;
    for (; d + 2 * width <= head_dim; d += 2 * width) {
      combine<rows, 2, false>(i, d, results);
    }
    const int64_t rest = head_dim - d;
    if (rest > width) {
      combine<rows, 2, true>(i, d, results);
    } else if (rest == width) {
      combine<rows, 1, false>(i, d, results);
    } else if (rest > 0) {
      combine<rows, 1, true>(i, d, results);
    }
  }

  // work(integral constant, first) for pieces of 0 to count: as many full ones as fit, then halves.
  template <int rows, class Work>
  static void pieces(int64_t first, int64_t count, const Work &work) {
    for (; first + rows <= count; first += rows) {
      work(std::integral_constant<int, rows>(), first);
    }
    if constexpr (rows > 1) {
      pieces<rows / 2>(first, count, work);
    }
  }

  void gather(const float *from, float *to) const {
    for (int64_t j = 0; j < length; j++) {
      std::memcpy(to + j * head_dim, from + j * stride, static_cast<size_t>(head_dim) * sizeof *to);
    }
  }

  // `copies` has room for keys and values.
  void run(float *copies) {
    if (length > block) {
      gather(k, copies);
      gather(v, copies + length * head_dim);
      k = copies;
      v = copies + length * head_dim;
      stride = head_dim;
    }
    for (int64_t first = 0; first < length; first += block) {
      const int64_t count = length - first < block ? length - first : block;
      const int columns = count > width ? 2 : 1;
      transpose_queries(q + first * q_stride, count);
      pieces<Lanes::rows>(0, length, [&](auto rows, int64_t j) {
        if (columns == 2) {
          score<rows, 2>(j);
        } else {
          score<rows, 1>(j);
        }
      });
      for (int c = 0; c < columns; c++) {
        softmax(c);
      }
      pieces<Lanes::rows>(0, count, [&](auto rows, int64_t i) {
        combine_all_columns<rows>(i, out + first * out_stride);
      });
    }
  }
};

}  // namespace

// Defines sinter::attention_<isa>; scratch is that of sinter_attention_scratch.
#define SINTER_DEFINE_ATTENTION(isa, Lanes)                                                        \
  namespace sinter {                                                                               \
  void attention_##isa(const float *q, const float *k, const float *v, int64_t stride, float *out, \
                       int64_t out_stride, int64_t length, int64_t head_dim, float *scratch) {     \
    float *s = scratch + head_dim * 2 * Lanes::width;                                              \
    float *copies = s + length * 2 * Lanes::width;                                                 \
    Attention<Lanes>{q, stride, k, v, stride, out, out_stride, length, head_dim, scratch, s}.run(  \
        copies);                                                                                   \
  }                                                                                                \
  }

#endif
