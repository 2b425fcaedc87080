// f32 matmul; native/include/sinter.h says what it computes.
//
// Weights [N/16][K][16] floats: a panel of 16 columns, in it a row of 16 for each k. N is padded to
// 16 with zeros.
//
//   panel 0:  k0: n0 n1 ... n15      64 bytes
//             k1: n0 n1 ... n15
//   panel 1:  ...
//
// A sum is one chain of fused multiply-adds from k = 0 up, whatever the tile, so that a row's
// result depends on nothing else. A chain waits for itself; other rows and panels fill the time.
//
// k is cut into blocks whose weights and activations stay in the L2 cache while the rows pass by.
// Between blocks, sums lie in a buffer on the stack, which rounds nothing.
//
// Alignment: none needed; rows of a panel are whole cache lines if the weights start at one.
// Over-read: none. Tails: columns by masks, rows by repeating the last.
#ifndef SINTER_F32_GEMM_H
#define SINTER_F32_GEMM_H

#include "gemm/epilogue.h"
#include "gemm/gemm.h"

namespace {

constexpr int64_t f32_block_k = 1536;
constexpr int64_t f32_block_rows = 128;

// A cut of k: [begin, end), and the sums of what came before it, [row][panel][16].
struct F32Block {
  int64_t begin;
  int64_t end;
  float *sums;
};

template <class Lanes>
struct F32Sums {
  using Element = typename Lanes::Float;

  SINTER_INLINE F32Sums(const sinter_f32_gemm_args &, int64_t) {}

  SINTER_INLINE Element value(int64_t, Element sum, Element bias) const {
    return Lanes::add(sum, bias);
  }
};

template <class Lanes, int rows, int panels>
struct F32Tile {
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, rows, panels>;

  SINTER_TILE void run(const sinter_f32_gemm_args &a, const F32Block &block, Place at) {
    const int64_t panel_floats = a.k * panel_columns;
    const float *w = a.w + at.panel * panel_floats + block.begin * panel_columns;
    float *const kept = block.sums + at.row * panels * panel_columns;
    const float *x[rows];
    Float sums[rows][S::vectors];
    SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = a.x + row_of(a, at, r) * a.x_stride; }
    if (block.begin == 0) {
      S::each([&](int r, int v) { sums[r][v] = Lanes::broadcast(0.0f); });
    } else {
      S::each([&](int r, int v) { sums[r][v] = Lanes::load(kept + place(r, v)); });
    }
    if constexpr (rows > 1) {
      if (block.end == a.k) {
        prefetch_results<S>(a, at);
      }
    }
    // Unrolling gains nothing, and GCC 12 then moves sums about.
    for (int64_t k = block.begin; k < block.end; k++, w += panel_columns) {
      Float weights[S::vectors];
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        weights[v] = Lanes::load(w + v / S::vectors_a_panel * panel_floats +
                                 v % S::vectors_a_panel * Lanes::lanes);
      }
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        const auto value = Lanes::broadcast(x[r][k]);
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          sums[r][v] = Lanes::fma(weights[v], value, sums[r][v]);
        }
      }
    }
    if (block.end < a.k) {
      S::each([&](int r, int v) { Lanes::store(kept + place(r, v), sums[r][v]); });
    } else {
      // Passed on themselves, `sums` would live in memory all along.
      Float results[rows][S::vectors];
      S::each([&](int r, int v) { results[r][v] = sums[r][v]; });
      finish<Lanes, F32Sums<Lanes>>(a, at, results);
    }
  }

  static constexpr int place(int r, int v) { return (r * S::vectors + v) * Lanes::lanes; }
};

template <class Lanes>
inline void f32_gemm(sinter_f32_gemm_args a) {
  using Tiles = typename Lanes::F32Tiles;
  // The last rows of a tile may be past the last row.
  alignas(
      64) float sums[(f32_block_rows + Tiles::rows) * Tiles::panels(Tiles::rows) * panel_columns];
  for (int64_t left = a.m; left > 0; left -= f32_block_rows) {
    a.m = left < f32_block_rows ? left : f32_block_rows;
    run_panels<Tiles>(a, [&](auto rows, auto panels, int64_t panel) {
      for (int64_t k = 0; k < a.k; k += f32_block_k) {
        const F32Block block{k, k + f32_block_k < a.k ? k + f32_block_k : a.k, sums};
        run_rows<F32Tile, Lanes, rows(), panels()>(a, block, 0, panel);
      }
    });
    a.x += f32_block_rows * a.x_stride;
    a.y += f32_block_rows * a.y_stride;
  }
}

}  // namespace

#endif
