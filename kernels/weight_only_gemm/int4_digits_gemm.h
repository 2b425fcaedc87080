// The 4-bit half of weight_only_gemm: f32 activations as three planes of signed bytes (digits.h),
// each multiplied with the nibbles as in int4_gemm; native/include/sinter.h says what comes out.
//
// A vector of 16 nibbles as floats costs a fused multiply-add and at least one more operation, 1.5
// cycles together on Zen 4; a byte instruction does 4 of them, for three planes in 0.75 cycles, and
// needs no conversion. Products are exact and so are their sums over 32 k; rounding the activations
// to 23 bits of the largest of 32 is what that costs, no more than the roundings of 32 fused
// multiply-adds would. A tile is one row of one panel, whatever m is, whose weights come from
// memory or, for further rows, from the caches. Measured on Zen 4: a single row twice as fast as
// with floats; 8 rows and more as fast (0.95 of the multipliers' f32 peak), but a quarter slower on
// AVX2, which needs a multiplication and an addition for what vpdpbusd does.
//
// Splitting a row into digits takes as long as two or three panels; it is done once for
// `most_panels` of them, into the stack. Alignment: none needed. Over-read: none; a prefetch never
// faults. Tails: columns by masks, k by zero digits.
#ifndef SINTER_INT4_DIGITS_GEMM_H
#define SINTER_INT4_DIGITS_GEMM_H

#include "gemm/epilogue.h"
#include "weight_only_gemm/digits.h"
#include "weight_only_gemm/weights.h"

namespace {

template <class Lanes>
struct Int4DigitsTile {
  using Int = typename Lanes::Int;
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, 1, 1>;
  using Result = Float[1][S::vectors];
  static constexpr int block_rows = 4;  // of 64 bytes in a block, two quads of k in each

  static constexpr int64_t chunk_blocks = 512;  // 56 KiB on the stack
  static constexpr int64_t most_panels = 64;    // of a single row, whose weights are not used again
  static constexpr int64_t shared_panels = 48;  // of several, whose weights the caches keep

  static void run(const sinter_weight_only_gemm_args &a) {
    const int64_t blocks = divide_up(a.k, block_k);
    const int64_t batch = a.m == 1 ? most_panels : shared_panels;
    DigitBlock x[chunk_blocks];
    Result results[most_panels];
    for (int64_t panel = a.panel_begin; panel < a.panel_end; panel += batch) {
      const int64_t end = panel + batch < a.panel_end ? panel + batch : a.panel_end;
      for (int64_t row = 0; row < a.m; row++) {
        for (int64_t block = 0; block < blocks; block += chunk_blocks) {
          const int64_t some = blocks - block < chunk_blocks ? blocks - block : chunk_blocks;
          const int64_t k = block * block_k;
          const int64_t values = a.k - k < some * block_k ? a.k - k : some * block_k;
          split_row(a.x + row * a.x_stride + k, values, a.w_zero_points == nullptr ? center : 1, x);
          for (int64_t p = panel; p < end; p++) {
            multiply(a, x, Span{p, blocks, block, block + some}, results[p - panel]);
          }
        }
        for (int64_t p = panel; p < end; p++) {
          finish<Lanes, WeightOnlySums<Lanes>>(a, Place{row, p}, results[p - panel]);
        }
      }
    }
  }

 private:
  static constexpr int32_t center = 8;

  // Blocks `begin` to `end` of a panel of `blocks`.
  struct Span {
    int64_t panel;
    int64_t blocks;
    int64_t begin;
    int64_t end;
  };

  SINTER_TILE void multiply(const sinter_weight_only_gemm_args &a, const DigitBlock *x, Span at,
                            Result &result) {
    const int64_t group = a.w_group == 0 ? at.blocks : a.w_group / block_k;
    const int64_t groups = divide_up(at.blocks, group);
    const uint8_t *w = static_cast<const uint8_t *>(a.w) +
                       (at.panel * at.blocks + at.begin) * block_rows * 4 * panel_columns;
    Float sums[S::vectors];
    for (int v = 0; v < S::vectors; v++) {
      sums[v] = at.begin == 0 ? Lanes::broadcast(0.0f) : result[0][v];
    }
    for (int64_t block = at.begin; block < at.end;) {
      const int64_t g = block / group;
      const int64_t group_end = (g + 1) * group < at.end ? (g + 1) * group : at.end;
      const int64_t index = (at.panel * groups + g) * panel_columns;
      Float scales[S::vectors];
      for (int v = 0; v < S::vectors; v++) {
        scales[v] = load_scale<Lanes>(a, index + v * Lanes::lanes);
      }
      if (a.w_zero_points == nullptr) {
        for (; block < group_end; block++, w += 4 * 64) {
          add_block(
              w, *x++, [](int, Int minus_sum) { return minus_sum; }, scales, sums);
        }
      } else {
        const uint8_t *zero_points = a.w_zero_points + index;
        for (; block < group_end; block++, w += 4 * 64) {
          const auto start = [&](int v, Int minus_sum) {
            return Lanes::multiply_int(minus_sum,
                                       Lanes::load_widened(zero_points + v * Lanes::lanes));
          };
          add_block(w, *x++, start, scales, sums);
        }
      }
    }
    for (int v = 0; v < S::vectors; v++) {
      result[0][v] = sums[v];
    }
  }

  template <class Start>
  SINTER_INLINE static void add_block(const uint8_t *w, const DigitBlock &x, Start start,
                                      const Float (&scales)[S::vectors],
                                      Float (&sums)[S::vectors]) {
    const auto first = [&](int p, int v) {
      return start(v, Lanes::broadcast_int(x.minus_sums[p]));
    };
    typename Lanes::Partial partial[digit_planes][S::vectors];
    SINTER_UNROLL for (int p = 0; p < digit_planes; p++) {
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        partial[p][v] = Lanes::begin(first(p, v));
      }
    }
    SINTER_UNROLL for (int row = 0; row < block_rows; row++) {
      typename Lanes::Bytes packed[S::vectors];
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        packed[v] = Lanes::load_bytes(w + 64 * row + 4 * Lanes::lanes * v);
      }
      prefetch(w + 64 * row);
      SINTER_UNROLL for (int half = 0; half < 2; half++) {
        typename Lanes::Bytes nibbles[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          nibbles[v] = Lanes::codes(packed[v], 4 * half, 15);
        }
        SINTER_UNROLL for (int p = 0; p < digit_planes; p++) {
          const auto digits = Lanes::broadcast_quad(x.digits[p] + 8 * row + 4 * half);
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            partial[p][v] = Lanes::dot_narrow(partial[p][v], nibbles[v], digits);
          }
        }
      }
    }
    const Float unit = Lanes::broadcast(x.unit);
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      Float planes[digit_planes];
      SINTER_UNROLL for (int p = 0; p < digit_planes; p++) {
        planes[p] = Lanes::to_float(Lanes::end(first(p, v), partial[p][v]));
      }
      const Float low = Lanes::fma(planes[1], Lanes::broadcast(0x1p8f), planes[0]);
      const Float sum = Lanes::fma(planes[2], Lanes::broadcast(0x1p16f), low);
      sums[v] = Lanes::fma(Lanes::multiply(sum, unit), scales[v], sums[v]);
    }
  }

  // Into the L2 cache: what the core can ask memory for by itself is too little ahead.
  SINTER_INLINE static void prefetch(const uint8_t *w) {
    constexpr uintptr_t ahead = 8192;
    __builtin_prefetch(reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(w) + ahead), 0,
                       2);
  }
};

}  // namespace

#endif
