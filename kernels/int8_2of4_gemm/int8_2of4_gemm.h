// w8a8 matmul with 2:4 weights; native/include/sinter.h says what it computes.
//
// Of every quad of k a column has two weights, and says which: a pattern. Weights are packed
// [N/16][K/32][320] bytes, a panel of 16 columns, in it blocks of 8 quads:
//
//   64 bytes:  a dword for each column, in it a nibble for each quad: its pattern, 0 to 5
//   4 times 64 bytes, one for two quads:  n0 a b c d | n1 ... | n15 ...     (a, b of the first)
//
//   pattern  0 1 2 3 4 5
//   a is k   0 0 0 1 1 2
//   b is k   1 2 3 2 3 3
//
// That is 5 bytes where the dense layout has 8, in one stream. A lookup by pattern makes the
// control of a byte shuffle, which spreads a and b over the quad and puts zeros between them: two
// shuffles for 64 weights, where vpexpandb takes 5 cycles (Zen 4). It pays where memory is the
// limit, for few rows; for many it is work on top.
//
// From there on it is int8_block_gemm with no block missing: signed weights, unsigned activations.
// Alignment, overflow and tails are as there, k being padded by weights of 0.
#ifndef SINTER_INT8_2OF4_GEMM_H
#define SINTER_INT8_2OF4_GEMM_H

#include "int8_block_gemm/int8_block_gemm.h"

namespace {

constexpr int64_t block_2of4_bytes = 320;
constexpr int64_t vector_bytes = 64;

template <class Lanes, int rows, int panels>
struct Int8TwoOfFourTile {
  using Int = typename Lanes::Int;
  using S = Shape<Lanes, rows, panels>;

  static int64_t offset(const sinter_block_gemm_args &a, int64_t panel) {
    return panel * divide_up(divide_up(a.gemm.k, quad_k), block_quads) * block_2of4_bytes;
  }
  static void prepare(const sinter_block_gemm_args &a, int64_t row) {
    interleave_codes<rows>(a, row);
  }

  SINTER_TILE void run(const sinter_block_gemm_args &a, Place at) {
    const int64_t quads = divide_up(a.gemm.k, quad_k);
    const int64_t blocks = divide_up(quads, block_quads);
    const uint8_t *w =
        static_cast<const uint8_t *>(a.gemm.w) + at.panel * blocks * block_2of4_bytes;
    const auto *x = static_cast<const int8_t *>(a.scratch);
    Int sums[S::chains][rows][S::vectors];
    SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
      S::each([&](int r, int v) { sums[chain][r][v] = Lanes::broadcast_int(0); });
    }
    if constexpr (rows > 1) {
      prefetch_results<S>(a.gemm, at);
    }
    int64_t left = quads;
    for (; left >= block_quads; left -= block_quads) {
      if constexpr (rows == 1) {
        SINTER_UNROLL for (int64_t i = 0; i < block_2of4_bytes; i += vector_bytes) {
          prefetch(w + i);
        }
      }
      SINTER_UNROLL for (int quad = 0; quad < block_quads; quad++) {
        add(w, quad, x + quad_k * rows * quad, sums[quad % S::chains]);
      }
      w += block_2of4_bytes;
      x += quad_k * rows * block_quads;
    }
    SINTER_UNROLL for (int quad = 0; quad < block_quads - 1; quad++) {
      if (quad < left) {
        add(w, quad, x + quad_k * rows * quad, sums[quad % S::chains]);
      }
    }
    // Indexed by a variable, `sums` would live in memory all along.
    Int results[rows][S::vectors];
    S::each([&](int r, int v) { results[r][v] = joined<Lanes>(sums, r, v); });
    finish<Lanes, Int8BlockSums<Lanes>>(a.gemm, at, results);
  }

  // `quad` of the block at w.
  SINTER_INLINE static void add(const uint8_t *w, int quad, const int8_t *x,
                                Int (&sums)[rows][S::vectors]) {
    typename Lanes::WideQuad weights[S::vectors];
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      const uint8_t *const patterns = w + 4 * Lanes::lanes * v;
      const auto spread =
          Lanes::two_of_four(Lanes::load_bytes(patterns + vector_bytes * (1 + quad / 2)),
                             Lanes::load_bytes(patterns), quad);
      weights[v] = Lanes::widen_signed(spread);
    }
    add_quad<Lanes>(x, weights, sums);
  }
};

}  // namespace

#endif
