// Layer and RMS normalization of rows, with or without their quantization; native/include/sinter.h
// says what it computes.
//
// One row, from L1 after the first pass:
//
//   sum        of x (layer norm), in 32 interleaved partial sums
//   squares    of x - mean, likewise: a sum of squares, which cannot cancel
//   normalize  y = fma((x - mean) * inverse, gamma, beta); with codes this is the pass that
//              measures y, and their second pass (quantize_rows.h) reads y, or computes it again
//              where nobody wants y
//
// All variants are this template over a struct of vector operations. Their results are equal bit
// for bit: partial sum j takes the values i = j mod 32 in order whatever the width of a vector, and
// sums are then added by halves (16, 8, 4, 2, 1). RMS is the same with a mean of 0, since x - 0 =
// x.
//
// Layout: x, y [rows][k], y may be x. Alignment: none. Over-read and over-write: none; the last
// k % width elements go through masks, and a tail lane is 0.0 in every sum.
#ifndef SINTER_NORM_ROWS_H
#define SINTER_NORM_ROWS_H

#include <cfloat>

#include "quantize_rows/quantize_rows.h"

namespace {

// x - mean
template <class Lanes>
struct Centered {
  Row<Lanes> x;
  typename Lanes::Float mean;
  typename Lanes::Float load(int64_t i) const { return Lanes::subtract(x.load(i), mean); }
  typename Lanes::Float load_tail(int64_t i, int n) const {
    return Lanes::keep(Lanes::subtract(x.load_tail(i, n), mean), n);
  }
};

// A normalized row. Source is Row, or Reordered if its columns are wanted in another order.
template <class Lanes, class Source>
struct Normalized {
  using Float = typename Lanes::Float;
  Source x;
  Source gamma;
  Source beta;
  Float mean;
  Float inverse;
  Float apply(Float v, Float g, Float b) const {
    return Lanes::fma(Lanes::multiply(Lanes::subtract(v, mean), inverse), g, b);
  }
  Float load(int64_t i) const { return apply(x.load(i), gamma.load(i), beta.load(i)); }
  // What a mean makes of no value at all may be anything.
  Float load_tail(int64_t i, int n) const {
    return Lanes::keep(apply(x.load_tail(i, n), gamma.load_tail(i, n), beta.load_tail(i, n)), n);
  }
};

// A normalized row that is written as it is read.
template <class Lanes>
struct Written {
  Normalized<Lanes, Row<Lanes>> row;
  float *y;
  typename Lanes::Float load(int64_t i) const {
    const auto v = row.load(i);
    Lanes::store(y + i, v);
    return v;
  }
  typename Lanes::Float load_tail(int64_t i, int n) const {
    const auto v = row.load_tail(i, n);
    Lanes::store_tail(y + i, v, n);
    return v;
  }
};

// The sum that add(sum, v) makes of all values v of a row, in the order the head gives.
template <class Lanes, class Source, class Add>
inline float total(const Source &source, int64_t k, const Add &add) {
  constexpr int parts = 32 / Lanes::width;
  typename Lanes::Float sums[parts];
  for (auto &sum : sums) {
    sum = Lanes::zero();
  }
  int64_t i = 0;
  for (; i + 32 <= k; i += 32) {
    for (int p = 0; p < parts; p++) {
      sums[p] = add(sums[p], source.load(i + p * Lanes::width));
    }
  }
  for (int p = 0; p < parts; p++, i += Lanes::width) {
    if (i + Lanes::width <= k) {
      sums[p] = add(sums[p], source.load(i));
    } else if (i < k) {
      sums[p] = add(sums[p], source.load_tail(i, static_cast<int>(k - i)));
    }
  }
  for (int half = parts / 2; half > 0; half /= 2) {
    for (int p = 0; p < half; p++) {
      sums[p] = Lanes::add(sums[p], sums[p + half]);
    }
  }
  return Lanes::reduce_add(sums[0]);
}

struct RowStatistics {
  float mean;
  float inverse;  // of the deviation; NaN where the squares leave the range of f32
};

template <class Lanes>
inline RowStatistics statistics(const sinter_norm &norm, const float *x) {
  using Float = typename Lanes::Float;
  const Row<Lanes> row{x};
  const float k = static_cast<float>(norm.k);
  float mean = 0.0f;
  if (norm.kind == SINTER_LAYER_NORM) {
    mean = total<Lanes>(row, norm.k, [](Float sum, Float v) { return Lanes::add(sum, v); }) / k;
  }
  const Centered<Lanes> centered{row, Lanes::broadcast(mean)};
  const auto add_square = [](Float sum, Float v) { return Lanes::fma(v, v, sum); };
  const float variance = total<Lanes>(centered, norm.k, add_square) / k;
  if (!(variance <= FLT_MAX)) {
    return {mean, __builtin_nanf("")};
  }
  return {mean, 1.0f / __builtin_sqrtf(variance + norm.epsilon)};
}

template <class Lanes, class Source>
inline Normalized<Lanes, Source> normalized(RowStatistics s, Source x, Source gamma, Source beta) {
  return {x, gamma, beta, Lanes::broadcast(s.mean), Lanes::broadcast(s.inverse)};
}

template <class Lanes>
inline Written<Lanes> written(const sinter_norm &norm, RowStatistics s, const float *x, float *y) {
  return {normalized<Lanes>(s, Row<Lanes>{x}, Row<Lanes>{norm.gamma}, Row<Lanes>{norm.beta}), y};
}

template <class Lanes>
inline void write(const Written<Lanes> &row, int64_t k) {
  int64_t i = 0;
  for (; i + Lanes::width <= k; i += Lanes::width) {
    row.load(i);
  }
  if (i < k) {
    row.load_tail(i, static_cast<int>(k - i));
  }
}

template <class Lanes>
inline void norm_rows(const sinter_norm &norm, const float *x, int64_t rows, float *y) {
  for (int64_t r = 0; r < rows; r++, x += norm.k, y += norm.k) {
    write(written<Lanes>(norm, statistics<Lanes>(norm, x), x, y), norm.k);
  }
}

// One row to codes, and to y unless that is NULL.
template <class Lanes, Scheme scheme>
inline void norm_quantize_row(const sinter_norm &norm, const sinter_quantize_format &format,
                              RowStatistics s, const float *x, float *y, CodeRows &out) {
  const int64_t k = norm.k;
  const int64_t group = group_of(format);
  const int32_t *columns = format.columns;
  if (y != nullptr && columns == nullptr) {
    quantize_row<Lanes, scheme>(written<Lanes>(norm, s, x, y), Row<Lanes>{y}, k, group, out);
  } else if (y != nullptr) {
    write(written<Lanes>(norm, s, x, y), k);
    const Reordered<Lanes> row{y, columns};
    quantize_row<Lanes, scheme>(row, row, k, group, out);
  } else if (columns == nullptr) {
    const auto row = written<Lanes>(norm, s, x, nullptr).row;
    quantize_row<Lanes, scheme>(row, row, k, group, out);
  } else {
    using Source = Reordered<Lanes>;
    const auto row = normalized<Lanes>(s, Source{x, columns}, Source{norm.gamma, columns},
                                       Source{norm.beta, columns});
    quantize_row<Lanes, scheme>(row, row, k, group, out);
  }
}

template <class Lanes>
inline void norm_quantize_rows(const sinter_norm &norm, const sinter_quantize_format &format,
                               const float *x, int64_t rows, float *y, CodeRows out) {
  // The statistics of a row are a chain of additions, those of several rows run side by side.
  constexpr int64_t block = 4;
  with_scheme(format, [&](auto scheme) {
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t end = begin + block < rows ? begin + block : rows;
      RowStatistics s[block];
      for (int64_t r = begin; r < end; r++) {
        s[r - begin] = statistics<Lanes>(norm, x + r * norm.k);
      }
      for (int64_t r = begin; r < end; r++) {
        float *to = y == nullptr ? nullptr : y + r * norm.k;
        norm_quantize_row<Lanes, scheme>(norm, format, s[r - begin], x + r * norm.k, to, out);
      }
    }
  });
}

}  // namespace

// Defines sinter::norm_rows_<isa> and sinter::norm_quantize_rows_<isa>.
#define SINTER_DEFINE_NORM_ROWS(isa, Lanes)                                                        \
  namespace sinter {                                                                               \
  void norm_rows_##isa(const sinter_norm &norm, const float *x, int64_t rows, float *y) {          \
    norm_rows<Lanes>(norm, x, rows, y);                                                            \
  }                                                                                                \
  void norm_quantize_rows_##isa(const sinter_norm &norm, const sinter_quantize_format &format,     \
                                const float *x, int64_t rows, float *y, void *codes,               \
                                int64_t stride, float *scales, int32_t *zero_points,               \
                                int32_t *sums) {                                                   \
    norm_quantize_rows<Lanes>(norm, format, x, rows, y,                                            \
                              {static_cast<uint8_t *>(codes), stride, scales, zero_points, sums}); \
  }                                                                                                \
  }

#endif
