// What the matmuls share: how the panels and rows of a call are cut into tiles, and what
// happens to a finished sum. native/include/sinter.h says what is computed.
//
// Templates over Lanes, the vector operations of an instruction set on `lanes` columns at once:
//   Int, Float            one 32-bit integer (wrapping) or float a column
//   Bytes, Wide           4 unsigned weights a column, as loaded and as `dot` wants them
//   Quad, WideQuad        4 signed activations, the same ones for every column
//   dot                   sum += the 4 products of each column
//   codes                 w shifted right (left if negative) and masked, byte by byte: the mask
//                         keeps nothing that has left its byte
//   widen_signed          4 signed weights a column, as `dot` wants them in place of activations
//   two_of_four           as int8_2of4_gemm.h spreads two weights and their pattern
//   add_bytes             byte by byte; the sums of a block's codes fit
//   add_quads             sum += the 4 bytes of each column
//   multiply_pairs        the sum of two products of 16-bit halves
//   begin, dot_narrow, end  the same for codes of 15 at most, over the 8 quads of a block at most
//   planes_in_place       whether dot_narrow takes any byte, and shift_right is there
//   adds_up               whether adding codes up costs one row less than reading their sums
//   min, max              the second operand if one is NaN
//   if_less               a < b ? then : otherwise, column by column
//   add_to_exponent       v * 2^n for n in the low bits of a float near 1.5 * 2^23
//   lookup                table[low 4 bits of a float near 1.5 * 2^23]
//   low_half, high_half, to_high_half  16 bits of 32
//   or_bits               a float of a half with bits added
//   load_bf16_pairs       two bfloat16 values a column
//   first_bf16, second_bf16  each of them, widened
//   dot_bf16              sum += the products of two such pairs, as bf16_gemm.h says
//   block_rows            rows of a tile of one panel, of block_gemm.h
//   has_masks             whether there are mask, all lanes or none, add_unless and fma_where
//   shuffles_rows         whether load_four, the quads or floats of four rows side by side, and
//   of_four
//                         of one of them cost less than a load for each
//   keep                  makes the compiler hold what it could load again
//   GateLanes             the same operations on as many columns as a gate multiplies at once,
//                         8 at most; where that is half as many: first_half, second_half,
//                         from_halves
//   Int8Tiles, NarrowTiles, F32Tiles  the tile: rows at once, and panels of 16 columns at once
//                         for r rows
// All but dot_bf16 do the same roundings, so results are equal bit for bit on all of them.
//
// A row's result depends on nothing but its own activations: an integer sum does not depend on the
// order, and the float operations are done column by column in an order given by K and the groups.
//
// Everything here has internal linkage: the same inline function compiled for two instruction sets
// would leave the linker to keep one of them for all.
#ifndef SINTER_GEMM_H
#define SINTER_GEMM_H

#include <type_traits>

#include "sinter.h"

#define SINTER_INLINE inline __attribute__((always_inline))
// A tile is a function of its own, whose inner loop native/test/inner_loops.cmake looks at.
#define SINTER_TILE static __attribute__((noinline))
#define SINTER_UNROLL _Pragma("GCC unroll 32")

namespace {

constexpr int64_t panel_columns = 16;
constexpr int64_t block_k = SINTER_GEMM_BLOCK_K;
constexpr int block_quads = 8;

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows and panels of a tile. Vectors are counted across the panels.
template <class Lanes, int rows_, int panels_>
struct Shape {
  static constexpr int rows = rows_;
  static constexpr int panels = panels_;
  static constexpr int vectors_a_panel = 16 / Lanes::lanes;
  static constexpr int vectors = panels * vectors_a_panel;
  // Sums of a vector that are kept apart by quads, so that four `dot`s, whose latency is about four
  // cycles, need not wait for one another.
  static constexpr int chains = rows * vectors >= 4 ? 1 : 4 / (rows * vectors);

  // f(r, v) for all rows and vectors, unrolled, so that arrays indexed by them can be registers.
  template <class F>
  SINTER_INLINE static void each(F f) {
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      SINTER_UNROLL for (int v = 0; v < vectors; v++) { f(r, v); }
    }
  }
};

template <class Lanes, int chains, int rows, int vectors>
SINTER_INLINE typename Lanes::Int joined(const typename Lanes::Int (&sums)[chains][rows][vectors],
                                         int r, int v) {
  auto sum = sums[0][r][v];
  SINTER_UNROLL for (int chain = 1; chain < chains; chain++) {
    sum = Lanes::add_int(sum, sums[chain][r][v]);
  }
  return sum;
}

// Where the tile's first row and panel lie. Rows past the last are the last one once more, and are
// not stored.
struct Place {
  int64_t row;
  int64_t panel;
};

template <class Args>
inline int64_t row_of(const Args &a, Place at, int r) {
  return at.row + r < a.m ? at.row + r : a.m - 1;
}

// Asks for weights that lie `distance` bytes ahead, where hardware prefetchers do not reach. A
// tile's panels are one stream with the next ones, whose part `block` of `blocks` is at w. May
// point past the end: a prefetch never faults.
template <int distance, int panels, int block_bytes>
SINTER_INLINE void prefetch_weights(const uint8_t *w, int64_t block, int64_t blocks) {
  constexpr int64_t blocks_ahead = distance / panels / block_bytes;
  const int64_t panel_bytes = blocks * block_bytes;
  // What comes after a panel is the one beside it, read already.
  const int64_t beside = block + blocks_ahead < blocks ? 0 : (panels - 1) * panel_bytes;
  const uintptr_t ahead = reinterpret_cast<uintptr_t>(w) + blocks_ahead * block_bytes + beside;
  SINTER_UNROLL for (int panel = 0; panel < panels; panel++) {
    SINTER_UNROLL for (int line = 0; line < block_bytes; line += 64) {
      __builtin_prefetch(reinterpret_cast<const void *>(ahead + panel * panel_bytes + line));
    }
  }
}

// For tiles of several rows, which else wait for weights and multiply by turns.
constexpr int prefetch_distance = 16384;

// Tile<Lanes, rows, panels>::run(args, plan, place) for all rows of `panels` panels. A plan is what
// follows from the arguments and is the same for all tiles.
template <template <class, int, int> class Tile, class Lanes, int rows, int panels, class Args,
          class Plan>
inline void run_rows(const Args &a, const Plan &plan, int64_t row, int64_t panel) {
  if constexpr (rows > 1) {
    for (; a.m - row > rows / 2; row += rows) {
      Tile<Lanes, rows, panels>::run(a, plan, Place{row, panel});
    }
    if (row < a.m) {
      run_rows<Tile, Lanes, rows / 2, panels>(a, plan, row, panel);
    }
  } else {
    for (; row < a.m; row++) {
      Tile<Lanes, 1, panels>::run(a, plan, Place{row, panel});
    }
  }
}

template <int value>
using Constant = std::integral_constant<int, value>;

// run(Constant<rows>, Constant<panels>, panel) for the largest tiles that m rows can use, side by
// side, then panel by panel.
template <class Tiles, int rows = Tiles::rows, class Args, class Run>
inline void run_panels(const Args &a, Run run) {
  if constexpr (rows > 1) {
    if (a.m <= rows / 2) {
      run_panels<Tiles, rows / 2>(a, run);
      return;
    }
  }
  constexpr int panels = Tiles::panels(rows);
  int64_t panel = a.panel_begin;
  for (; a.panel_end - panel >= panels; panel += panels) {
    run(Constant<rows>(), Constant<panels>(), panel);
  }
  if constexpr (panels > 1) {
    for (; panel < a.panel_end; panel++) {
      run(Constant<rows>(), Constant<1>(), panel);
    }
  }
}

template <template <class, int, int> class Tile, class Lanes, class Tiles, class Args, class Plan>
inline void run_tiles(const Args &a, const Plan &plan) {
  run_panels<Tiles>(a, [&](auto rows, auto panels, int64_t panel) {
    run_rows<Tile, Lanes, rows(), panels()>(a, plan, 0, panel);
  });
}

}  // namespace

#endif
