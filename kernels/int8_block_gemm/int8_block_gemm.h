// w8a8 matmul with block-sparse weights; native/include/sinter.h says what it computes.
//
// Weights as gemm/block_gemm.h draws them, a block being [16][4] signed bytes:
//
//   block:  n0 k0..3 | n1 k0..3 | ... | n15 k0..3      64 bytes
//
// Absent blocks must add nothing, so it is the activations that are made unsigned, b = q + 128,
// while the weights stay signed: with z a row's zero point and q its codes,
//   sum (q - z) w = sum b w - (128 + z) * sum w
// where the sums of w come with the weights, and do not depend on what a panel has left out, as
// sums of activations would.
//
// Alignment: none needed; blocks are whole cache lines if the weights start at one. Over-read:
// activations up to k rounded up to 4, within what sinter.h says; nothing else. Overflow: sums wrap
// modulo 2^32 on the way, and the entry bounds K so that the result fits. Tails: columns by masks,
// rows by repeating the last, k by weights of 0.
#ifndef SINTER_INT8_BLOCK_GEMM_H
#define SINTER_INT8_BLOCK_GEMM_H

#include "gemm/block_gemm.h"
#include "gemm/epilogue.h"

namespace {

template <class Lanes>
struct Int8BlockSums {
  using Element = typename Lanes::Int;
  using Float = typename Lanes::Float;

  // Pointers are copied so that no store to y makes the compiler read them again.
  SINTER_INLINE Int8BlockSums(const sinter_gemm_args &a, int64_t column)
      : x_scales(a.x_scales),
        x_zero_points(a.x_zero_points),
        scales(Lanes::load(static_cast<const float *>(a.w_scales) + column)),
        w_sums(Lanes::load_int(a.w_sums + column)) {}

  SINTER_INLINE Float value(int64_t row, Element sum, Float bias) const {
    const int32_t center = 128 + (x_zero_points == nullptr ? 0 : x_zero_points[row]);
    sum = Lanes::subtract_int(sum, Lanes::multiply_int(w_sums, Lanes::broadcast_int(center)));
    return Lanes::fma(Lanes::multiply(Lanes::to_float(sum), scales),
                      Lanes::broadcast(x_scales[row]), bias);
  }

  const float *x_scales;
  const int32_t *x_zero_points;
  Float scales;
  Element w_sums;
};

// Adds a quad of each row, laid side by side, times the weights of one.
template <class Lanes, int rows, int vectors>
SINTER_INLINE void add_quad(const int8_t *x, const typename Lanes::WideQuad (&weights)[vectors],
                            typename Lanes::Int (&sums)[rows][vectors]) {
  each_row<Lanes, rows, quad_k>(x, [&](int r, typename Lanes::Quad quad) {
    const auto codes = Lanes::widen(quad);
    SINTER_UNROLL for (int v = 0; v < vectors; v++) {
      sums[r][v] = Lanes::dot(sums[r][v], codes, weights[v]);
    }
  });
}

// Lays the rows' quads side by side, as unsigned bytes.
template <int rows>
inline void interleave_codes(const sinter_block_gemm_args &a, int64_t row) {
  const auto *x = reinterpret_cast<const uint8_t *>(a.gemm.x + row * a.gemm.x_stride);
  interleave<rows>(x, a.gemm.x_stride, a.gemm.m - row, divide_up(a.gemm.k, quad_k), 0x80808080,
                   static_cast<uint32_t *>(a.scratch));
}

template <class Lanes, int rows, int panels>
struct Int8BlockTile {
  using Int = typename Lanes::Int;
  using S = Shape<Lanes, rows, panels>;

  static int64_t offset(const sinter_block_gemm_args &a, int64_t panel) {
    return block_weights * a.starts[panel];
  }
  static void prepare(const sinter_block_gemm_args &a, int64_t row) {
    interleave_codes<rows>(a, row);
  }

  SINTER_TILE void run(const sinter_block_gemm_args &a, Place at) {
    BlockList list(a, at.panel);
    const uint8_t *w = static_cast<const uint8_t *>(a.gemm.w) + block_weights * list.first;
    const auto *x = static_cast<const int8_t *>(a.scratch);
    Int sums[S::chains][rows][S::vectors];
    SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
      S::each([&](int r, int v) { sums[chain][r][v] = Lanes::broadcast_int(0); });
    }
    if constexpr (rows > 1) {
      prefetch_results<S>(a.gemm, at);
    }
    const auto add = [&](int64_t quad, const uint8_t *block, Int(&to)[rows][S::vectors]) {
      if constexpr (rows > 1) {
        prefetch(block);
      }
      typename Lanes::WideQuad weights[S::vectors];
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        weights[v] = Lanes::widen_signed(Lanes::load_bytes(block + 4 * Lanes::lanes * v));
      }
      add_quad<Lanes>(x + quad_k * rows * quad, weights, to);
    };
    for (; list.left >= S::chains; list.left -= S::chains) {
      SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
        add(list.quads[chain], w + block_weights * chain, sums[chain]);
      }
      list.quads += S::chains;
      w += block_weights * S::chains;
    }
    if constexpr (S::chains > 1) {
      for (; list.left > 0; list.left--, list.quads++, w += block_weights) {
        add(*list.quads, w, sums[0]);
      }
    }
    // Indexed by a variable, `sums` would live in memory all along.
    Int results[rows][S::vectors];
    S::each([&](int r, int v) { results[r][v] = joined<Lanes>(sums, r, v); });
    finish<Lanes, Int8BlockSums<Lanes>>(a.gemm, at, results);
  }
};

}  // namespace

#endif
