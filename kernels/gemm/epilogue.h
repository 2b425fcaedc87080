// What happens to the finished sums of a tile: y = activation(sum * scale + bias), or y += that, or
// with a gate y = activation(a) * b for two such columns a and b.
//
// A tile leaves its sums in memory, [rows][vectors], and has them finished column by column, so
// that what belongs to a column is loaded once for all rows. What the epilogue has is decided once
// a tile; only the last columns of y take masks.
//
// With a gate each panel has both factors of its 8 columns of y, so it does not matter which panels
// a tile has, and what comes before the epilogue knows nothing of gates.
//
// Templates over Args (n, bias, y, y_stride, activation, accumulate and gate of sinter.h) and Sums,
// which says what a kernel's sums mean:
//   Element                 a vector of sums
//   Sums(args, column)      what belongs to the columns of a vector, of all that the panels have
//   value(row, element, b)  the result before the activation, b being the bias
#ifndef SINTER_EPILOGUE_H
#define SINTER_EPILOGUE_H

#include "gemm/activations.h"
#include "gemm/gemm.h"

namespace {

constexpr int gate_columns = SINTER_GATE_COLUMNS;

// Fetches the rows of y that a tile will write: its sums take long enough for that, and stores to
// lines that are not there would stop the next tile.
template <class S, class Args>
SINTER_INLINE void prefetch_results(const Args &a, Place at) {
  const int64_t columns = a.gate == 0 ? panel_columns : gate_columns;  // a line or half of one
  SINTER_UNROLL for (int r = 0; r < S::rows; r++) {
    const float *y = a.y + row_of(a, at, r) * a.y_stride + at.panel * columns;
    SINTER_UNROLL for (int i = 0; i < S::panels; i++) { __builtin_prefetch(y + i * columns, 1); }
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

// Both factors of `Lanes::GateLanes::lanes` columns of y: of the panel's vectors of sums, two that
// lie 8 columns apart, or the halves of one.
template <class Lanes, class Sums, bool halves = (Lanes::lanes > gate_columns)>
struct GatedSums {
  using Float = typename Lanes::Float;

  template <class Args>
  SINTER_INLINE GatedSums(const Args &args, int64_t column, Float bias_a, Float bias_b)
      : a(args, column), b(args, column + gate_columns), bias_a(bias_a), bias_b(bias_b) {}

  template <class Activate>
  SINTER_INLINE Float value(int64_t row, const typename Sums::Element *sums, Activate f) const {
    return Lanes::multiply(f(a.value(row, sums[0], bias_a)),
                           b.value(row, sums[gate_columns / Lanes::lanes], bias_b));
  }

  Sums a, b;
  Float bias_a, bias_b;
};

template <class Lanes, class Sums>
struct GatedSums<Lanes, Sums, true> {
  using Half = typename Lanes::GateLanes::Float;

  template <class Args>
  SINTER_INLINE GatedSums(const Args &args, int64_t column, Half bias_a, Half bias_b)
      : both(args, column), bias(Lanes::from_halves(bias_a, bias_b)) {}

  template <class Activate>
  SINTER_INLINE Half value(int64_t row, const typename Sums::Element *sums, Activate f) const {
    const auto v = both.value(row, sums[0], bias);
    return Lanes::GateLanes::multiply(f(Lanes::first_half(v)), Lanes::second_half(v));
  }

  Sums both;
  typename Lanes::Float bias;
};

// Columns `column` and on of y, whose factors lie from `from` on among the panels' columns.
template <class Lanes, int activation, bool whole, class Sums, class Args>
SINTER_INLINE void finish_gated_vector(const Args &a, Place at, int rows, int64_t column,
                                       int64_t from, int stride,
                                       const typename Sums::Element *sums) {
  using Gate = typename Lanes::GateLanes;
  const int tail = static_cast<int>(a.n - column);
  const auto bias = [&](int64_t i) {
    return a.bias == nullptr ? Gate::broadcast(0.0f)
           : whole           ? Gate::load(a.bias + i)
                             : Gate::load_tail(a.bias + i, tail);
  };
  const GatedSums<Lanes, Sums> pair(a, from, bias(column), bias(a.n + column));
  const int64_t y_stride = a.y_stride;
  float *y = a.y + at.row * y_stride + column;
  for (int r = 0; r < rows; r++, y += y_stride) {
    const auto v = pair.value(at.row + r, sums + r * stride,
                              [](auto x) { return activate<Gate, activation>(x); });
    if constexpr (whole) {
      Gate::store(y, v);
    } else {
      Gate::store_tail(y, v, tail);
    }
  }
}

template <class Lanes, class Sums, class Args, int activation>
SINTER_TILE void finish_gated_columns(const Args &a, Place at, int rows, int vectors,
                                      const typename Sums::Element *sums) {
  constexpr int lanes = Lanes::GateLanes::lanes;
  const int64_t panels = vectors * Lanes::lanes / panel_columns;
  for (int64_t p = 0; p < panels; p++) {
    for (int64_t c = 0; c < gate_columns; c += lanes) {
      const int64_t column = (at.panel + p) * gate_columns + c;
      const int64_t from = (at.panel + p) * panel_columns + c;
      const auto *of = sums + (p * panel_columns + c) / Lanes::lanes;
      if (a.n - column >= lanes) {
        finish_gated_vector<Lanes, activation, true, Sums>(a, at, rows, column, from, vectors, of);
      } else if (column < a.n) {
        finish_gated_vector<Lanes, activation, false, Sums>(a, at, rows, column, from, vectors, of);
      }
    }
  }
}

template <class Lanes, class Sums, int rows, int vectors, class Args>
SINTER_INLINE void finish(const Args &a, Place at,
                          const typename Sums::Element (&sums)[rows][vectors]) {
  const auto run = [&](auto activation) {
    auto *columns = a.gate != 0         ? finish_gated_columns<Lanes, Sums, Args, activation()>
                    : a.accumulate != 0 ? finish_columns<Lanes, Sums, Args, activation(), true>
                                        : finish_columns<Lanes, Sums, Args, activation(), false>;
    columns(a, at, static_cast<int>(a.m - at.row < rows ? a.m - at.row : rows), vectors, sums[0]);
  };
  switch (a.activation) {
    case SINTER_GELU_ERF:
      return run(Constant<SINTER_GELU_ERF>());
    case SINTER_GELU_TANH:
      return run(Constant<SINTER_GELU_TANH>());
    case SINTER_SILU:
      return run(Constant<SINTER_SILU>());
    default:
      return run(Constant<SINTER_NO_ACTIVATION>());
  }
}

}  // namespace

#endif
