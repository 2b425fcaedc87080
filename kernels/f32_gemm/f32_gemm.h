// f32 matmul; native/include/sinter.h says what it computes. bf16_gemm.h has the same tiles.
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

constexpr int64_t float_block_k = 1536;
constexpr int64_t float_block_rows = 128;

// A cut of k: [begin, end), and the sums of what came before it, [row][panel][16].
struct FloatBlock {
  int64_t begin;
  int64_t end;
  float *sums;
};

template <class Lanes>
struct FloatSums {
  using Element = typename Lanes::Float;

  SINTER_INLINE FloatSums(const sinter_float_gemm_args &, int64_t) {}

  SINTER_INLINE Element value(int64_t, Element sum, Element bias) const {
    return Lanes::add(sum, bias);
  }
};

// What a tile multiplies: Input of x and Value of w, of which `together` values of k lie side by
// side, in x as in each column of w, and are multiplied in so many `parts`.
template <class Lanes_>
struct F32Values {
  using Lanes = Lanes_;
  using Input = float;
  using Value = float;
  static constexpr int together = 1;
  static constexpr int parts = 1;

  // The part `i` of those together, of each column of a vector and of a row.
  static typename Lanes::Float load(const Value *w, int) { return Lanes::load(w); }
  static typename Lanes::Float broadcast(const Input *x, int) { return Lanes::broadcast(*x); }
  static typename Lanes::Float add_product(typename Lanes::Float sum, typename Lanes::Float w,
                                           typename Lanes::Float x) {
    return Lanes::fma(w, x, sum);
  }
};

template <class Type, int rows, int panels>
struct FloatTile {
  using Lanes = typename Type::Lanes;
  using Float = typename Lanes::Float;
  using Input = typename Type::Input;
  using Value = typename Type::Value;
  using S = Shape<Lanes, rows, panels>;
  static constexpr int together = Type::together;

  SINTER_TILE void run(const sinter_float_gemm_args &a, const FloatBlock &block, Place at) {
    const int64_t panel_values = divide_up(a.k, together) * together * panel_columns;
    const auto *w =
        static_cast<const Value *>(a.w) + at.panel * panel_values + block.begin * panel_columns;
    float *const kept = block.sums + at.row * panels * panel_columns;
    const Input *x[rows];
    Float sums[rows][S::vectors];
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      x[r] = static_cast<const Input *>(a.x) + row_of(a, at, r) * a.x_stride;
    }
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
    for (int64_t k = block.begin; k < block.end; k += together, w += together * panel_columns) {
      if (rows > 1 && at.row == 0) {  // the first to read these panels
        constexpr int line = together * panel_columns * static_cast<int>(sizeof(Value));
        prefetch_weights<prefetch_distance, panels, line>(
            reinterpret_cast<const uint8_t *>(w), k / together,
            panel_values * static_cast<int64_t>(sizeof(Value)) / line);
      }
      SINTER_UNROLL for (int i = 0; i < Type::parts; i++) {
        // Else the compiler would keep what it loads twice in registers that the sums need.
        int64_t at_k = k;
        const Value *at_w = w;
        if (i > 0) {
          __asm__ volatile("" : "+r"(at_k), "+r"(at_w));
        }
        decltype(Type::load(w, i)) weights[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          const Value *const columns = at_w + v / S::vectors_a_panel * panel_values +
                                       v % S::vectors_a_panel * Lanes::lanes * together;
          weights[v] = Type::load(columns, i);
        }
        SINTER_UNROLL for (int r = 0; r < rows; r++) {
          const auto value = Type::broadcast(x[r] + at_k, i);
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            sums[r][v] = Type::add_product(sums[r][v], weights[v], value);
          }
        }
      }
    }
    if (block.end < a.k) {
      S::each([&](int r, int v) { Lanes::store(kept + place(r, v), sums[r][v]); });
    } else {
      // Passed on themselves, `sums` would live in memory all along.
      Float results[rows][S::vectors];
      S::each([&](int r, int v) { results[r][v] = sums[r][v]; });
      finish<Lanes, FloatSums<Lanes>>(a, at, results);
    }
  }

  static constexpr int place(int r, int v) { return (r * S::vectors + v) * Lanes::lanes; }
};

template <class Type>
inline void float_gemm(sinter_float_gemm_args a) {
  using Tiles = typename Type::Lanes::F32Tiles;
  // The last rows of a tile may be past the last row.
  alignas(
      64) float sums[(float_block_rows + Tiles::rows) * Tiles::panels(Tiles::rows) * panel_columns];
  for (int64_t left = a.m; left > 0; left -= float_block_rows) {
    a.m = left < float_block_rows ? left : float_block_rows;
    run_panels<Tiles>(a, [&](auto rows, auto panels, int64_t panel) {
      for (int64_t k = 0; k < a.k; k += float_block_k) {
        const FloatBlock block{k, k + float_block_k < a.k ? k + float_block_k : a.k, sums};
        run_rows<FloatTile, Type, rows(), panels()>(a, block, 0, panel);
      }
    });
    a.x = static_cast<const typename Type::Input *>(a.x) + float_block_rows * a.x_stride;
    a.y += float_block_rows * a.y_stride;
  }
}

}  // namespace

#endif
