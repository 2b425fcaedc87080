// The 4-bit half of weight_only_gemm: f32 activations as three planes of signed bytes (digits.h),
// each multiplied with the nibbles as in int4_gemm; native/include/sinter.h says what comes out.
//
// A vector of 16 nibbles as floats costs a fused multiply-add and at least two more operations; a
// byte instruction does 4 of them, and needs no conversion. Products are exact and so are their
// sums over 32 k, whatever the tile; rounding the activations to 23 bits of the largest of 32 is
// what that costs, no more than the roundings of 32 fused multiply-adds would.
//
// Limits (Zen 5, a row of a panel of 32 k): 24 vpdpbusd and 3 more operations of the two pipes that
// multiply make 13.5 cycles for 1024 operations, 1.2 of the peak of f32. A row of a panel alone
// needs 31 loads, of which there are two a cycle; so rows and panels share them, two by two, which
// ran at 1.0 of that peak. Four rows or three panels were no faster. A single row takes one panel:
// memory is read fastest in order, and panels side by side, prefetched in either order or not at
// all, took a tenth to a half longer.
//
// Without vpdpbusd, GCC finds registers for one row alone. There floats took as long for many rows
// but twice as long for a single one (AVX2), or three quarters and twice (AVX-512).
//
// Rows are split eight at a time, into the stack. Alignment: none needed. Over-read: none; a
// prefetch never faults. Tails: columns by masks, k by zero digits.
#ifndef SINTER_INT4_DIGITS_GEMM_H
#define SINTER_INT4_DIGITS_GEMM_H

#include "gemm/epilogue.h"
#include "weight_only_gemm/digits.h"
#include "weight_only_gemm/weights.h"

namespace {

constexpr int digit_rows = 8;  // split together
// On the stack, 64 KiB: all of them for a single row, half of them for several, which the L1 cache
// keeps beside weights.
constexpr int64_t digit_blocks = 512;
constexpr int64_t digit_panels = 64;  // that rows are split for

// Blocks `begin` to `end` of panels of `blocks`; digits of a row lie `stride` behind those of the
// row before.
struct DigitSpan {
  int64_t blocks;
  int64_t begin;
  int64_t end;
  int64_t stride;
};

template <class Lanes, class Digits, int rows, int vectors>
struct Int4DigitsTile {
  using Int = typename Lanes::Int;
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, 1, 1>;
  using Result = Float[digit_rows][S::vectors_a_panel];
  static constexpr int block_rows = 4;  // of 64 bytes in a block, two quads of k in each
  static constexpr int64_t block_bytes = 64 * block_rows;

  // Vectors are counted across all panels, those of `results` from its first panel on.
  SINTER_TILE void multiply(const sinter_weight_only_gemm_args &a, const DigitSpan &at,
                            int64_t vector, const DigitBlock *x, Result *results, int row,
                            int64_t result) {
    const int64_t group = a.w_group == 0 ? at.blocks : a.w_group / block_k;
    const int64_t groups = divide_up(at.blocks, group);
    const uint8_t *w[vectors];
    Float sums[rows][vectors];
    SINTER_UNROLL for (int v = 0; v < vectors; v++) {
      w[v] = static_cast<const uint8_t *>(a.w) +
             (panel_of(vector + v) * at.blocks + at.begin) * block_bytes + 4 * column(vector + v);
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        sums[r][v] = at.begin == 0 ? Lanes::broadcast(0.0f) : *sum(results, row + r, result + v);
      }
    }
    for (int64_t block = at.begin; block < at.end;) {
      const int64_t g = block / group;
      const int64_t group_end = (g + 1) * group < at.end ? (g + 1) * group : at.end;
      Float scales[vectors];
      Int zero_points[vectors];
      SINTER_UNROLL for (int v = 0; v < vectors; v++) {
        const int64_t i = (panel_of(vector + v) * groups + g) * panel_columns + column(vector + v);
        scales[v] = load_scale<Lanes>(a, i);
        if (a.w_zero_points != nullptr) {
          zero_points[v] = Lanes::load_widened(a.w_zero_points + i);
        }
      }
      const auto as_it_is = [](int, Int minus_sum) { return minus_sum; };
      const auto times_zero_point = [&](int v, Int minus_sum) {
        return Lanes::multiply_int(minus_sum, zero_points[v]);
      };
      if (a.w_zero_points == nullptr) {
        for (; block < group_end; block++) {
          add_block(w, *x++, at.stride, as_it_is, scales, sums);
        }
      } else {
        for (; block < group_end; block++) {
          add_block(w, *x++, at.stride, times_zero_point, scales, sums);
        }
      }
    }
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      SINTER_UNROLL for (int v = 0; v < vectors; v++) {
        *sum(results, row + r, result + v) = sums[r][v];
      }
    }
  }

 private:
  static int64_t panel_of(int64_t vector) { return vector / S::vectors_a_panel; }
  static int64_t column(int64_t vector) { return vector % S::vectors_a_panel * Lanes::lanes; }
  static Float *sum(Result *results, int row, int64_t vector) {
    return &results[panel_of(vector)][row][vector % S::vectors_a_panel];
  }

  template <class Start>
  SINTER_INLINE static void add_block(const uint8_t *(&w)[vectors], const DigitBlock &first_row,
                                      int64_t stride, Start start, const Float (&scales)[vectors],
                                      Float (&sums)[rows][vectors]) {
    const DigitBlock *x = &first_row;
    const auto of_block = [&](int r, int what) {
      return Lanes::broadcast_int(static_cast<int32_t>(x[r * stride].quads[what].of_block));
    };
    const auto first = [&](int p, int r, int v) {
      return p == 1 ? Lanes::broadcast_int(0)
                    : start(v, of_block(r, p == 0 ? DigitBlock::low_sum : DigitBlock::high_sum));
    };
    typename Lanes::Partial partial[digit_planes][rows][vectors];
    SINTER_UNROLL for (int p = 0; p < digit_planes; p++) {
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        SINTER_UNROLL for (int v = 0; v < vectors; v++) {
          partial[p][r][v] = Lanes::begin(first(p, r, v));
        }
      }
    }
    SINTER_UNROLL for (int row = 0; row < block_rows; row++) {
      typename Lanes::Bytes packed[vectors];
      SINTER_UNROLL for (int v = 0; v < vectors; v++) {
        packed[v] = Lanes::load_bytes(w[v] + 64 * row);
        if (v % S::vectors_a_panel == 0) {
          prefetch(w[v] + 64 * row);
        }
      }
      SINTER_UNROLL for (int half = 0; half < 2; half++) {
        typename Lanes::Bytes nibbles[vectors];
        SINTER_UNROLL for (int v = 0; v < vectors; v++) {
          nibbles[v] = Lanes::codes(packed[v], 4 * half, 15);
        }
        SINTER_UNROLL for (int r = 0; r < rows; r++) {
          SINTER_UNROLL for (int p = 0; p < digit_planes; p++) {
            const auto digits =
                Lanes::broadcast_quad(x[r * stride].quads[2 * row + half].digits[p]);
            SINTER_UNROLL for (int v = 0; v < vectors; v++) {
              partial[p][r][v] = Lanes::dot_narrow(partial[p][r][v], nibbles[v], digits);
            }
          }
        }
      }
    }
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      float unit;
      std::memcpy(&unit, &x[r * stride].quads[DigitBlock::unit].of_block, sizeof unit);
      SINTER_UNROLL for (int v = 0; v < vectors; v++) {
        const auto plane = [&](int p) { return Lanes::end(first(p, r, v), partial[p][r][v]); };
        const Float low = Lanes::to_float(Lanes::add_int(plane(0), Digits::times_256(plane(1))));
        const Float all = Lanes::fma(Lanes::to_float(plane(2)), Lanes::broadcast(0x1p16f), low);
        sums[r][v] =
            Lanes::fma(Lanes::multiply(all, Lanes::broadcast(unit)), scales[v], sums[r][v]);
      }
    }
    SINTER_UNROLL for (int v = 0; v < vectors; v++) { w[v] += block_bytes; }
  }

  // What the core can ask memory for by itself is too little ahead.
  SINTER_INLINE static void prefetch(const uint8_t *w) {
    constexpr uintptr_t ahead = 8192;
    __builtin_prefetch(reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(w) + ahead));
  }
};

template <class Lanes, class Digits>
struct Int4Digits {
  using Result = typename Int4DigitsTile<Lanes, Digits, 1, 1>::Result;
  static constexpr int vectors_a_panel = Shape<Lanes, 1, 1>::vectors_a_panel;

  static void run(const sinter_weight_only_gemm_args &a) {
    const int64_t blocks = divide_up(a.k, block_k);
    DigitBlock x[digit_blocks];
    Result results[digit_panels];
    for (int64_t panel = a.panel_begin; panel < a.panel_end; panel += digit_panels) {
      const int64_t panel_end = least(a.panel_end, panel + digit_panels);
      for (int64_t row = 0; row < a.m; row += digit_rows) {
        const int rows = static_cast<int>(least(a.m - row, digit_rows));
        const int64_t some = rows == 1 ? digit_blocks : digit_blocks / 2 / rows;
        for (int64_t begin = 0; begin < blocks; begin += some) {
          const DigitSpan at{blocks, begin, least(blocks, begin + some), some};
          for (int r = 0; r < rows; r++) {
            split_row<Digits>(a.x + (row + r) * a.x_stride + begin * block_k,
                              least(a.k, at.end * block_k) - begin * block_k,
                              a.w_zero_points == nullptr ? center : 1, x + r * some);
          }
          multiply(a, at, x, rows, panel, panel_end, results);
        }
        for (int64_t p = panel; p < panel_end; p++) {
          finish<Lanes, WeightOnlySums<Lanes>>(a, Place{row, p}, results[p - panel]);
        }
      }
    }
  }

 private:
  static constexpr int32_t center = 8;

  static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

  static void multiply(const sinter_weight_only_gemm_args &a, const DigitSpan &at,
                       const DigitBlock *x, int rows, int64_t panel, int64_t panel_end,
                       Result *results) {
    const int64_t first = panel * vectors_a_panel;
    const int64_t end = panel_end * vectors_a_panel;
    int64_t vector = first;
    const auto tile = [&](auto together, auto vectors, int row, int64_t from) {
      Int4DigitsTile<Lanes, Digits, together(), vectors()>::multiply(
          a, at, from, x + row * at.stride, results, row, from - first);
    };
    const auto run = [&](auto together, auto vectors) {
      for (; end - vector >= vectors; vector += vectors) {
        int row = 0;
        for (; row + together <= rows; row += together) {
          tile(together, vectors, row, vector);
        }
        for (; row < rows; row++) {
          for (int v = 0; v < vectors; v++) {
            tile(Constant<1>(), Constant<1>(), row, vector + v);
          }
        }
      }
    };
    if (rows == 1) {
      run(Constant<1>(), Constant<Digits::single_vectors>());
    } else {
      run(Constant<Digits::rows>(), Constant<Digits::vectors>());
    }
    run(Constant<Digits::rows>(), Constant<1>());
  }
};

}  // namespace

#endif
