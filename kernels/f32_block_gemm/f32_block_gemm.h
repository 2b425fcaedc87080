// f32 matmul with block-sparse weights; native/include/sinter.h says what it computes.
//
// Weights as gemm/block_gemm.h draws them, a block being [4][16] floats:
//
//   block:  k0: n0 n1 ... n15      64 bytes
//           k1: n0 n1 ... n15
//           k2, k3
//
// A sum is one chain of fused multiply-adds, k ascending, whatever the tile, so that a row's result
// depends on nothing else, and equals that of f32_gemm as long as the activations are finite.
//
// Alignment: none needed; rows of a block are whole cache lines if the weights start at one.
// Over-read: none. Tails: columns by masks, rows by repeating the last, k by zeros on both sides.
#ifndef SINTER_F32_BLOCK_GEMM_H
#define SINTER_F32_BLOCK_GEMM_H

#include "f32_gemm/f32_gemm.h"
#include "gemm/block_gemm.h"

namespace {

template <class Lanes, int rows, int panels>
struct F32BlockTile {
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, rows, panels>;

  static int64_t offset(const sinter_f32_block_gemm_args &a, int64_t panel) {
    return block_weights * static_cast<int64_t>(sizeof(float)) * a.starts[panel];
  }
  static void prepare(const sinter_f32_block_gemm_args &a, int64_t row) {
    const auto *x = static_cast<const uint8_t *>(a.gemm.x) + 4 * row * a.gemm.x_stride;
    auto *const out = static_cast<uint32_t *>(a.scratch);
    interleave<rows>(x, 4 * a.gemm.x_stride, a.gemm.m - row, a.gemm.k, 0, out);
    const int64_t padding = divide_up(a.gemm.k, quad_k) * quad_k - a.gemm.k;
    std::memset(out + rows * a.gemm.k, 0, static_cast<size_t>(4 * rows * padding));
  }

  SINTER_TILE void run(const sinter_f32_block_gemm_args &a, Place at) {
    BlockList list(a, at.panel);
    const auto *w = static_cast<const float *>(a.gemm.w) + block_weights * list.first;
    const auto *x = static_cast<const float *>(a.scratch);
    Float sums[rows][S::vectors];
    S::each([&](int r, int v) { sums[r][v] = Lanes::broadcast(0.0f); });
    if constexpr (rows > 1) {
      prefetch_results<S>(a.gemm, at);
    }
    for (; list.left > 0; list.left--, list.quads++, w += block_weights) {
      const float *const quad = x + quad_k * rows * int64_t{*list.quads};
      SINTER_UNROLL for (int k = 0; k < quad_k; k++) {
        if constexpr (rows > 1) {
          // A page ahead is too late for weights that no cache holds (Zen 5).
          prefetch<16384>(w + panel_columns * k);
        }
        Float weights[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          weights[v] = Lanes::load(w + panel_columns * k + Lanes::lanes * v);
        }
        each_row<Lanes, rows, 1>(quad + k * rows, [&](int r, Float value) {
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            sums[r][v] = Lanes::fma(weights[v], value, sums[r][v]);
          }
        });
      }
    }
    // Passed on themselves, `sums` would live in memory all along.
    Float results[rows][S::vectors];
    S::each([&](int r, int v) { results[r][v] = sums[r][v]; });
    finish<Lanes, FloatSums<Lanes>>(a.gemm, at, results);
  }
};

}  // namespace

#endif
