// What happens to the finished sums of a tile: y = activation(sum * scale + bias), or y += that.
//
// A tile leaves its sums in memory, [rows][vectors], and has them finished column by column, so
// that what belongs to a column is loaded once for all rows. What the epilogue has is decided once
// a tile; only the last columns of y take masks.
//
// Templates over Args (n, bias, y, y_stride, activation and accumulate of sinter.h) and Sums, which
// says what a kernel's sums mean:
//   Element                 a vector of sums
//   Sums(args, column)      what belongs to the columns of a vector
//   value(row, element, b)  the result before the activation, b being the bias
#ifndef SINTER_EPILOGUE_H
#define SINTER_EPILOGUE_H

#include "gemm/activations.h"
#include "gemm/gemm.h"

namespace {

// Fetches the rows of y that a tile will write: its sums take long enough for that, and stores to
// lines that are not there would stop the next tile.
template <class S, class Args>
SINTER_INLINE void prefetch_results(const Args &a, Place at) {
  constexpr int line = 16;  // floats
  SINTER_UNROLL for (int r = 0; r < S::rows; r++) {
    const float *y = a.y + row_of(a, at, r) * a.y_stride + at.panel * panel_columns;
    SINTER_UNROLL for (int i = 0; i < S::panels; i++) { __builtin_prefetch(y + i * line, 1); }
  }
}

template <class Lanes, int activation, bool accumulate, bool whole, class Sums, class Args>
SINTER_INLINE void finish_vector(const Args &a, Place at, int rows, int64_t column, int stride,
                                 const typename Sums::Element *sums) {
  const int tail = static_cast<int>(a.n - column);
  const auto load = [&](const float *p) {
    return whole ? Lanes::load(p) : Lanes::load_tail(p, tail);
  };
  const Sums sum(a, column);
  const auto bias = a.bias != nullptr ? load(a.bias + column) : Lanes::broadcast(0.0f);
  const int64_t y_stride = a.y_stride;
  float *y = a.y + at.row * y_stride + column;
  for (int r = 0; r < rows; r++, y += y_stride) {
    auto v = activate<Lanes, activation>(sum.value(at.row + r, sums[r * stride], bias));
    if constexpr (accumulate) {
      v = Lanes::add(load(y), v);
    }
    if constexpr (whole) {
      Lanes::store(y, v);
    } else {
      Lanes::store_tail(y, v, tail);
    }
  }
}

template <class Lanes, class Sums, class Args, int activation, bool accumulate>
SINTER_TILE void finish_columns(const Args &a, Place at, int rows, int vectors,
                                const typename Sums::Element *sums) {
  int64_t column = at.panel * panel_columns;
  for (int v = 0; v < vectors && column < a.n; v++, column += Lanes::lanes) {
    if (a.n - column >= Lanes::lanes) {
      finish_vector<Lanes, activation, accumulate, true, Sums>(a, at, rows, column, vectors,
                                                               sums + v);
    } else {
      finish_vector<Lanes, activation, accumulate, false, Sums>(a, at, rows, column, vectors,
                                                                sums + v);
    }
  }
}

template <class Lanes, class Sums, int rows, int vectors, class Args>
SINTER_INLINE void finish(const Args &a, Place at,
                          const typename Sums::Element (&sums)[rows][vectors]) {
  const auto run = [&](auto *plain, auto *adding) {
    const int count = static_cast<int>(a.m - at.row < rows ? a.m - at.row : rows);
    (a.accumulate == 0 ? plain : adding)(a, at, count, vectors, sums[0]);
  };
  switch (a.activation) {
    case SINTER_GELU_ERF:
      return run(finish_columns<Lanes, Sums, Args, SINTER_GELU_ERF, false>,
                 finish_columns<Lanes, Sums, Args, SINTER_GELU_ERF, true>);
    case SINTER_GELU_TANH:
      return run(finish_columns<Lanes, Sums, Args, SINTER_GELU_TANH, false>,
                 finish_columns<Lanes, Sums, Args, SINTER_GELU_TANH, true>);
    case SINTER_SILU:
      return run(finish_columns<Lanes, Sums, Args, SINTER_SILU, false>,
                 finish_columns<Lanes, Sums, Args, SINTER_SILU, true>);
    default:
      return run(finish_columns<Lanes, Sums, Args, SINTER_NO_ACTIVATION, false>,
                 finish_columns<Lanes, Sums, Args, SINTER_NO_ACTIVATION, true>);
  }
}

}  // namespace

#endif
