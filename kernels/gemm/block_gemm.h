// Matmul with block-sparse weights: what int8_block_gemm, int4_block_gemm and f32_block_gemm share,
// and int8_2of4_gemm the half of. sinter.h says what is computed.
//
// A panel of 16 columns keeps the quads of k at which any of them has a weight: 16x4 blocks, which
// 16x16 and 32x32 ones are made of (int4: two quads, 16x8). Each is a row of the dense layout, so
// that the work of a tile is that of the dense kernel, for those that are there.
//
//   starts  [P + 1]  panel p has blocks starts[p] to starts[p + 1]
//   quads   [blocks] the quad of k of each, ascending in a panel
//   w       [blocks] 64 weights each
//
// What the panels' lists pick from a tile's rows differs from panel to panel and jumps along k, so
// a tile first lays its activations out side by side, [quad][rows]: a block then needs whole cache
// lines next to each other, where rows of a matrix would take one from each. That is done once for
// all panels of a call; they should be some tens (5 a panel's worth of work at 10% of blocks).
#ifndef SINTER_BLOCK_GEMM_H
#define SINTER_BLOCK_GEMM_H

#include <cstring>

#include "gemm/gemm.h"

namespace {

constexpr int quad_k = 4;
constexpr int block_weights = 64;

using FourWords = uint32_t __attribute__((vector_size(16)));

SINTER_INLINE FourWords load_words(const uint8_t *p) {
  FourWords v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

SINTER_INLINE void store_words(uint32_t *p, FourWords v) { std::memcpy(p, &v, sizeof v); }

// out[i][r] = word i of row r, with the bits of `flip` flipped. Rows from `present` on are the last
// one once more.
template <int rows>
inline void interleave(const uint8_t *x, int64_t stride, int64_t present, int64_t words,
                       uint32_t flip, uint32_t *out) {
  const auto row = [=](int r) { return x + (r < present ? r : present - 1) * stride; };
  int64_t i = 0;
  if constexpr (rows % 4 == 0) {
    for (; i + 4 <= words; i += 4) {
      for (int r = 0; r < rows; r += 4) {
        FourWords v[4];
        SINTER_UNROLL for (int j = 0; j < 4; j++) { v[j] = load_words(row(r + j) + 4 * i) ^ flip; }
        const auto low01 = __builtin_shuffle(v[0], v[1], FourWords{0, 4, 1, 5});
        const auto low23 = __builtin_shuffle(v[2], v[3], FourWords{0, 4, 1, 5});
        const auto high01 = __builtin_shuffle(v[0], v[1], FourWords{2, 6, 3, 7});
        const auto high23 = __builtin_shuffle(v[2], v[3], FourWords{2, 6, 3, 7});
        uint32_t *const to = out + i * rows + r;
        store_words(to, __builtin_shuffle(low01, low23, FourWords{0, 1, 4, 5}));
        store_words(to + rows, __builtin_shuffle(low01, low23, FourWords{2, 3, 6, 7}));
        store_words(to + 2 * rows, __builtin_shuffle(high01, high23, FourWords{0, 1, 4, 5}));
        store_words(to + 3 * rows, __builtin_shuffle(high01, high23, FourWords{2, 3, 6, 7}));
      }
    }
  }
  for (; i < words; i++) {
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      uint32_t word;
      std::memcpy(&word, row(r) + 4 * i, sizeof word);
      out[i * rows + r] = word ^ flip;
    }
  }
}

// The blocks of a panel, or of a group of one.
struct BlockList {
  template <class Args>
  BlockList(const Args &a, int64_t list)
      : first(a.starts[list]), left(a.starts[list + 1] - first), quads(a.quads + first) {}

  int64_t first;
  int64_t left;
  const uint16_t *quads;
};

// The quad of one row, or its k.
template <class Lanes>
SINTER_INLINE typename Lanes::Quad of_row(const int8_t *x) {
  return Lanes::broadcast_quad(x);
}
template <class Lanes>
SINTER_INLINE typename Lanes::Float of_row(const float *x) {
  return Lanes::broadcast(*x);
}

// f(r, x of row r) for rows that lie side by side, `width` elements each. A product takes a load,
// and loads would be the limit: where a shuffle costs nothing, some rows come four at once.
template <class Lanes, int rows, int width, class Element, class F>
SINTER_INLINE void each_row(const Element *x, F f) {
  constexpr int fours = Lanes::shuffles_rows ? rows / 8 : 0;
  if constexpr (fours > 0) {
    decltype(Lanes::load_four(x)) loaded[fours];
    SINTER_UNROLL for (int i = 0; i < fours; i++) {
      loaded[i] = Lanes::load_four(x + 4 * width * i);
    }
    // Loads between the shuffles.
    const auto some = [&](int i, auto place) {
      f(4 * i + place(), Lanes::template of_four<place()>(loaded[i]));
      SINTER_UNROLL for (int r = 4 * (fours + i) + place(); r < rows; r += 4 * fours) {
        f(r, of_row<Lanes>(x + width * r));
      }
    };
    SINTER_UNROLL for (int i = 0; i < fours; i++) {
      some(i, Constant<0>());
      some(i, Constant<1>());
      some(i, Constant<2>());
      some(i, Constant<3>());
    }
  } else {
    SINTER_UNROLL for (int r = 0; r < rows; r++) { f(r, of_row<Lanes>(x + width * r)); }
  }
}

// Asks for weights that come later, further on than hardware prefetchers reach, which stop at the
// end of a page. May point past the end: a prefetch never faults.
template <uintptr_t ahead = 4096>
SINTER_INLINE void prefetch(const void *w) {
  __builtin_prefetch(reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(w) + ahead));
}

// Weights that are passed by more than once, for some rows after others, and should still be in the
// L3 cache then, beside what else is there.
constexpr int64_t strip_bytes = int64_t{8} << 20;

// For all rows from `row` on and some panels: Tile<Lanes, rows, 1>::prepare(args, row), which fills
// the scratch memory, and ::run(args, place) for each panel.
template <template <class, int, int> class Tile, class Lanes, int rows, class Args>
inline void run_strip(const Args &a, int64_t row, int64_t begin, int64_t end) {
  using T = Tile<Lanes, rows, 1>;
  for (; a.gemm.m - row > rows / 2; row += rows) {
    T::prepare(a, row);
    for (int64_t panel = begin; panel < end; panel++) {
      T::run(a, Place{row, panel});
    }
  }
  if constexpr (rows > 1) {
    if (row < a.gemm.m) {
      run_strip<Tile, Lanes, rows / 2>(a, row, begin, end);
    }
  }
}

// For all rows and the panels of the call; the weights of a panel begin at byte
// Tile<Lanes, 1, 1>::offset(args, panel).
template <template <class, int, int> class Tile, class Lanes, int rows = Lanes::block_rows,
          class Args>
inline void run_blocks(const Args &a) {
  int64_t begin = a.gemm.panel_begin;
  while (begin < a.gemm.panel_end) {
    int64_t end = a.gemm.panel_end;
    if (a.gemm.m > rows) {
      const int64_t first = Tile<Lanes, 1, 1>::offset(a, begin);
      end = begin + 1;
      while (end < a.gemm.panel_end &&
             Tile<Lanes, 1, 1>::offset(a, end + 1) - first <= strip_bytes) {
        end++;
      }
    }
    run_strip<Tile, Lanes, rows>(a, 0, begin, end);
    begin = end;
  }
}

}  // namespace

#endif
