// w8a8 matmul with unstructured sparse weights; native/include/sinter.h says what it computes.
//
// No instruction set here fetches bytes from anywhere, but a byte shuffle does from 16 of them. So
// the weights that are not zero are taken in steps: of each of a panel's 16 columns the next four
// at most that lie in a window of 16 k, which begins at the first one that is left in any column:
//
//   starts  [P + 1]  panel p has steps starts[p] to starts[p + 1]
//   quads   [steps]  where a step's window begins, at most k rounded up to 32, less 16
//   w       [steps][96 bytes]
//     32 bytes: places in the window, of columns 0 to 7 in low nibbles, of 8 to 15 in high ones
//     64 bytes: n0 a b c d | n1 ... | n15 ...; behind a column's last one 0, with any place
//
// That is sliced ELLPACK (Kreutzer et al., 2014) with slices of 16 that are kept within a window of
// one another. A column whose next weights lie further on waits, and wastes slots: of random
// weights at 50, 80 and 90% zeros a step holds 56, 38 and 24 in its 64 slots, so that the work is
// 0.57, 0.33 and 0.26 of that of the dense kernel and the bytes, 1.5 a slot, 0.88, 0.51 and 0.40.
//
// A step takes a shuffle and what a quad of the dense kernel takes, for any number of rows; places
// and weights are unpacked once for all rows of a tile. Sums are those of int8_block_gemm, over
// unsigned activations, and end as they do there.
//
// Alignment: none needed. Over-read: activations up to k rounded up to 32, within what sinter.h
// says; nothing else. Overflow: as for int8_block_gemm. Tails: columns by masks, rows by repeating
// the last, k by weights of 0.
//
// Lanes has besides what gemm.h lists
//   SellTiles                   the tile
//   Window, window(x)           16 activations, once for each 128 bits
//   Places, places(p, out)      of the 16 columns, a vector of columns each
//   Slots, slots(bytes)         four weights a column, as `add_slots` wants them
//   add_slots(sum, slots, window, places)  sum += the products of each column
//   complete(sum, negative, all)  what makes of the sum that of weights times unsigned activations,
//                               given the sums of the weights below 0 and of all
#ifndef SINTER_INT8_SELL_GEMM_H
#define SINTER_INT8_SELL_GEMM_H

#include "int8_block_gemm/int8_block_gemm.h"

namespace {

constexpr int64_t step_places = 32;
constexpr int64_t step_bytes = step_places + 64;

struct Int8SellPlan {
  explicit Int8SellPlan(const sinter_block_gemm_args &a) : starts(a.starts), windows(a.quads) {}

  const int64_t *starts;
  const uint16_t *windows;
};

template <class Lanes, int rows, int panels>
struct Int8SellTile {
  using Int = typename Lanes::Int;
  using S = Shape<Lanes, rows, panels>;

  SINTER_TILE void run(const sinter_gemm_args &a, const Int8SellPlan &plan, Place at) {
    const int64_t first = plan.starts[at.panel];
    int64_t left = plan.starts[at.panel + 1] - first;
    const uint16_t *windows = plan.windows + first;
    const uint8_t *w = static_cast<const uint8_t *>(a.w) + step_bytes * first;
    const int8_t *x[rows];
    SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = a.x + row_of(a, at, r) * a.x_stride; }
    Int sums[S::chains][rows][S::vectors];
    SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
      S::each([&](int r, int v) { sums[chain][r][v] = Lanes::broadcast_int(0); });
    }
    if constexpr (rows > 1) {
      prefetch_results<S>(a, at);
    }
    for (; left >= S::chains; left -= S::chains) {
      SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
        add(w + step_bytes * chain, x, windows[chain], sums[chain]);
      }
      windows += S::chains;
      w += step_bytes * S::chains;
    }
    if constexpr (S::chains > 1) {
      for (; left > 0; left--, windows++, w += step_bytes) {
        add(w, x, *windows, sums[0]);
      }
    }
    // Indexed by a variable, `sums` would live in memory all along.
    Int results[rows][S::vectors];
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      const int32_t *const all = a.w_sums + at.panel * panel_columns + Lanes::lanes * v;
      const int32_t *const negative = all + divide_up(a.n, panel_columns) * panel_columns;
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        results[r][v] = Lanes::complete(joined<Lanes>(sums, r, v), Lanes::load_int(negative),
                                        Lanes::load_int(all));
      }
    }
    finish<Lanes, Int8BlockSums<Lanes>>(a, at, results);
  }

  SINTER_INLINE static void add(const uint8_t *w, const int8_t *const (&x)[rows], int64_t window,
                                Int (&sums)[rows][S::vectors]) {
    typename Lanes::Places places[S::vectors];
    typename Lanes::Slots slots[S::vectors];
    Lanes::places(w, places);
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      slots[v] = Lanes::slots(Lanes::load_bytes(w + step_places + 4 * Lanes::lanes * v));
    }
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      const auto codes = Lanes::window(x[r] + window);
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        sums[r][v] = Lanes::add_slots(sums[r][v], slots[v], codes, places[v]);
      }
    }
  }
};

template <class Lanes>
inline void run_sell(const sinter_block_gemm_args &args) {
  run_tiles<Int8SellTile, Lanes, typename Lanes::SellTiles>(args.gemm, Int8SellPlan(args));
}

}  // namespace

#endif
