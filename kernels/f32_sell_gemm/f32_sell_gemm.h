// f32 matmul with unstructured sparse weights; native/include/sinter.h says what it computes.
//
// Sliced ELLPACK (Kreutzer et al., 2014, SELL-C-sigma, with slices of 16 and no sorting): the
// weights of a panel's 16 columns that are not zero, each column's ascending by k, side by side:
//
//   starts  [P + 1]       panel p has steps starts[p] to starts[p + 1], as its longest column
//   quads   [steps][16]   k of each weight
//   w       [steps][16]   the weights; behind the last one of a column 0, with the last one's k,
//                         so that no infinity from elsewhere meets it (without any: with a k of 0)
//
// A single row gathers its activations for a vector of columns. Several rows are laid out side by
// side, [k][lanes], and a weight is broadcast to a vector of them: no gather then, and sums lie
// across the rows until they are turned.
//
// A sum is one chain of fused multiply-adds, k ascending, as in f32_gemm, and so is its result as
// long as the activations are finite.
//
// Alignment: none needed. Over-read: none. Tails: columns by masks, rows by repeating the last.
#ifndef SINTER_F32_SELL_GEMM_H
#define SINTER_F32_SELL_GEMM_H

#include "f32_gemm/f32_gemm.h"
#include "gemm/block_gemm.h"

namespace {

template <class Lanes>
struct F32Sell {
  using Float = typename Lanes::Float;
  using Args = sinter_f32_block_gemm_args;
  static constexpr int lanes = Lanes::lanes;

  // What a panel has.
  struct Steps {
    Steps(const Args &a, int64_t panel)
        : count(a.starts[panel + 1] - a.starts[panel]),
          w(static_cast<const float *>(a.gemm.w) + panel_columns * a.starts[panel]),
          places(a.quads + panel_columns * a.starts[panel]) {}

    int64_t count;
    const float *w;
    const uint16_t *places;
  };

  SINTER_TILE void one(const Args &a, Place at) {
    using S = Shape<Lanes, 1, 1>;
    Steps steps(a, at.panel);
    const float *const x = static_cast<const float *>(a.gemm.x) + at.row * a.gemm.x_stride;
    Float sums[S::vectors];
    SINTER_UNROLL for (Float &sum : sums) { sum = Lanes::broadcast(0.0f); }
    for (; steps.count > 0; steps.count--) {
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        sums[v] = Lanes::fma(Lanes::load(steps.w + lanes * v),
                             Lanes::gather(x, steps.places + lanes * v), sums[v]);
      }
      steps.w += panel_columns;
      steps.places += panel_columns;
    }
    // Passed on themselves, `sums` would live in memory all along.
    Float results[1][S::vectors];
    S::each([&](int, int v) { results[0][v] = sums[v]; });
    finish<Lanes, FloatSums<Lanes>>(a.gemm, at, results);
  }

  // `lanes` rows.
  SINTER_TILE void many(const Args &a, Place at) {
    using S = Shape<Lanes, lanes, 1>;
    alignas(64) float across[panel_columns][lanes];
    // Of 16 or 32 registers, half for sums.
    constexpr int together = lanes;
    for (int c = 0; c < panel_columns; c += together) {
      add_columns<together>(a, at, c, across + c);
    }
    alignas(64) float turned[lanes][panel_columns];
    for (int r = 0; r < lanes; r++) {
      for (int c = 0; c < panel_columns; c++) {
        turned[r][c] = across[c][r];
      }
    }
    Float results[lanes][S::vectors];
    S::each([&](int r, int v) { results[r][v] = Lanes::load(turned[r] + lanes * v); });
    finish<Lanes, FloatSums<Lanes>>(a.gemm, at, results);
  }

  template <int columns>
  SINTER_INLINE static void add_columns(const Args &a, Place at, int first, float (*out)[lanes]) {
    Steps steps(a, at.panel);
    const auto *const x = static_cast<const float *>(a.scratch);
    Float sums[columns];
    SINTER_UNROLL for (Float &sum : sums) { sum = Lanes::broadcast(0.0f); }
    for (; steps.count > 0; steps.count--) {
      SINTER_UNROLL for (int c = 0; c < columns; c++) {
        sums[c] = Lanes::fma(Lanes::broadcast(steps.w[first + c]),
                             Lanes::load(x + lanes * int64_t{steps.places[first + c]}), sums[c]);
      }
      steps.w += panel_columns;
      steps.places += panel_columns;
    }
    SINTER_UNROLL for (int c = 0; c < columns; c++) { Lanes::store(out[c], sums[c]); }
  }

  static void run(const Args &a) {
    int64_t row = 0;
    if constexpr (lanes > 1) {
      for (; a.gemm.m - row > 1; row += lanes) {
        const auto *x = static_cast<const uint8_t *>(a.gemm.x) + 4 * row * a.gemm.x_stride;
        interleave<lanes>(x, 4 * a.gemm.x_stride, a.gemm.m - row, a.gemm.k, 0,
                          static_cast<uint32_t *>(a.scratch));
        for (int64_t panel = a.gemm.panel_begin; panel < a.gemm.panel_end; panel++) {
          many(a, Place{row, panel});
        }
      }
    }
    for (; row < a.gemm.m; row++) {
      for (int64_t panel = a.gemm.panel_begin; panel < a.gemm.panel_end; panel++) {
        one(a, Place{row, panel});
      }
    }
  }
};

}  // namespace

#endif
