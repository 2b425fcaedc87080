// w4a16 and w8a16 matmul: f32 activations times integer weights; native/include/sinter.h says what
// it computes. This is the 8-bit half; int4_digits_gemm.h is the other.
//
// Weights are those of w4a8 and w8a8, so that one packed matrix serves both: the layouts that the
// heads of narrow_gemm.h and int8_gemm.h draw, 4 bytes of each of 16 columns in 64 bytes. In those
// 4 bytes lie two halves, and in a half are codes u = w + 128 at bits 0 and 8.
//
// A code becomes a float without a conversion and without the multipliers, which the products keep
// busy: with ones in all other bits of the mantissa below bit 16, and above them the exponent that
// makes the code's lowest bit worth 1, the half is a constant plus u; that constant plus the zero
// point is subtracted, which is exact. The or takes any of Zen 4's four pipes and the subtraction
// one of the two that do not multiply; a vpternlogd that masks as well takes longer, since like the
// product beside it it has three operands. (Magic numbers in the mantissa: Kim, Henry, Fahim and
// Hassan, "Who Says Elephants Can't Run", 2022, do so in f16.)
//
// Weights are asked for 4 KiB ahead in each panel, and before its end in the next tile's: without
// that a single row read memory at two thirds of what it does (Zen 5), and 32 rows took 1.06 times
// as long. Less ahead, or more, is slower.
//
// The sum of a group is one chain of fused multiply-adds from its first k up, whatever the tile, so
// that a row's result depends on nothing else. A chain waits for itself; other rows and panels fill
// the time. Results of the groups lie in memory, since sums take all registers.
//
// Alignment: none needed; rows of a block are whole cache lines if the weights start at one.
// Over-read: none; a prefetch never faults. Tails: columns by masks, rows by repeating the last,
// and at the end of k zeros instead of activations.
#ifndef SINTER_WEIGHT_ONLY_GEMM_H
#define SINTER_WEIGHT_ONLY_GEMM_H

#include <cstring>

#include "gemm/epilogue.h"
#include "weight_only_gemm/int4_digits_gemm.h"
#include "weight_only_gemm/weights.h"

namespace {

struct WeightOnlyPlan {
  explicit WeightOnlyPlan(const sinter_weight_only_gemm_args &a)
      : panel_bytes(divide_up(a.k, block_k) * block_k * panel_columns),
        group(a.w_group == 0 || a.w_group > a.k ? a.k : a.w_group),
        groups(divide_up(a.k, group)) {}

  int64_t panel_bytes;
  int64_t group;  // values of k
  int64_t groups;
};

struct Int8Floats {
  static constexpr int bits = 8;
  static constexpr int step = 8;            // values of k that the inner loop takes at a time
  static constexpr int places = 16 / bits;  // codes of a half
  static constexpr int lines = 2;           // of 64 bytes a step

  // Of value k of a step: its line, half and place.
  static constexpr int line(int k) { return k / 4; }
  static constexpr int half(int k) { return k % 4 / 2; }
  static constexpr int place(int k) { return k % 2; }

  // All the bits that make a half a float, but those of the code.
  static constexpr uint32_t pattern(int place) {
    return static_cast<uint32_t>(150 - bits * place) << 23 |
           (0xffffu & ~(((1u << bits) - 1) << (bits * place)));
  }
  // The same as a number.
  static constexpr float value(int place) {
    const double unit = 1u << (bits * place);
    return static_cast<float>((8388608 + static_cast<double>(pattern(place) & 0xffffu)) / unit);
  }

  template <class Lanes, int rows, int panels>
  struct Tile {
    using Int = typename Lanes::Int;
    using Float = typename Lanes::Float;
    using S = Shape<Lanes, rows, panels>;

    // Where the tile is in k, and what the steps there need.
    struct State {
      const uint8_t *w;
      const uint8_t *w_end;  // of the first panel
      int64_t panel_bytes;
      const float *x[rows];
      bool begins;  // a group
      bool ends;
      Float centers[places][S::vectors];
      Float scales[S::vectors];
      Float sums[rows][S::vectors];  // of the group, while it neither begins nor ends
      Float results[rows][S::vectors];
    };

    static void run(const sinter_weight_only_gemm_args &a, const WeightOnlyPlan &plan, Place at) {
      State s;
      s.w = static_cast<const uint8_t *>(a.w) + at.panel * plan.panel_bytes;
      s.w_end = s.w + plan.panel_bytes;
      s.panel_bytes = plan.panel_bytes;
      for (int r = 0; r < rows; r++) {
        s.x[r] = a.x + row_of(a, at, r) * a.x_stride;
      }
      S::each([&](int r, int v) { s.results[r][v] = Lanes::broadcast(0.0f); });
      if constexpr (rows > 1) {
        prefetch_results<S>(a, at);
      }
      int64_t k = 0;
      for (int64_t group = 0; group < plan.groups; group++) {
        if (group == 0 || a.w_zero_points != nullptr) {
          set_centers(a, plan, at, group, s);
        }
        for (int v = 0; v < S::vectors; v++) {
          s.scales[v] = load_scale<Lanes>(a, index(at, v, plan.groups, group));
        }
        const int64_t end = k + plan.group < a.k ? k + plan.group : a.k;
        const int64_t whole = (end - k) / step;
        const int64_t rest = (end - k) % step;
        if (whole > 0) {
          s.begins = true;
          s.ends = rest == 0;
          add_steps(s, whole);
        }
        if (rest > 0) {
          float last[rows][step] = {};
          for (int r = 0; r < rows; r++) {
            std::memcpy(last[r], s.x[r], static_cast<size_t>(rest) * sizeof(float));
            s.x[r] = last[r];
          }
          s.begins = whole == 0;
          s.ends = true;
          add_steps(s, 1);
        }
        k = end;
      }
      finish<Lanes, WeightOnlySums<Lanes>>(a, at, s.results);
    }

    // A function of its own, since GCC 12 finds registers for all sums only if there is little
    // else.
    SINTER_TILE void add_steps(State &s, int64_t steps) {
      const uint8_t *w = s.w;
      const uint8_t *const w_end = s.w_end;
      const int64_t panel_bytes = s.panel_bytes;
      const float *x[rows];
      Float sums[rows][S::vectors];
      SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = s.x[r]; }
      if (s.begins) {
        S::each([&](int r, int v) { sums[r][v] = Lanes::broadcast(0.0f); });
      } else {
        S::each([&](int r, int v) { sums[r][v] = s.sums[r][v]; });
      }
      for (; steps > 0; steps--) {
        prefetch(w, w_end, panel_bytes);
        SINTER_UNROLL for (int k = 0; k < step; k++) {
          Float weights[S::vectors];
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            const Int four = Lanes::load_int(reinterpret_cast<const int32_t *>(
                w + v / S::vectors_a_panel * panel_bytes + 64 * line(k) +
                4 * Lanes::lanes * (v % S::vectors_a_panel)));
            const Int two = half(k) == 0 ? Lanes::low_half(four) : Lanes::high_half(four);
            weights[v] =
                Lanes::subtract(Lanes::or_bits(two, pattern(place(k))), s.centers[place(k)][v]);
          }
          SINTER_UNROLL for (int r = 0; r < rows; r++) {
            const auto value = Lanes::broadcast(x[r][k]);
            SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
              sums[r][v] = Lanes::fma(weights[v], value, sums[r][v]);
            }
          }
        }
        w += 64 * lines;
        SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] += step; }
      }
      s.w = w;
      SINTER_UNROLL for (int r = 0; r < rows; r++) { s.x[r] = x[r]; }
      if (s.ends) {
        S::each([&](int r, int v) {
          s.results[r][v] = Lanes::fma(sums[r][v], s.scales[v], s.results[r][v]);
        });
      } else {
        S::each([&](int r, int v) { s.sums[r][v] = sums[r][v]; });
      }
    }

    // What a tile will read when it has read this much more of each panel: of its own panels or of
    // those that come next.
    SINTER_INLINE static void prefetch(const uint8_t *w, const uint8_t *end, int64_t panel_bytes) {
      constexpr int64_t ahead = 4096;
      const auto next =
          reinterpret_cast<uintptr_t>(w) +
          static_cast<uintptr_t>(end - w > ahead ? ahead : ahead + (panels - 1) * panel_bytes);
      SINTER_UNROLL for (int i = 0; i < panels * lines; i++) {
        __builtin_prefetch(reinterpret_cast<const void *>(
            next + static_cast<uintptr_t>(i / lines * panel_bytes + 64 * (i % lines))));
      }
    }

    // Index of vector v in an array [panels][groups][16].
    SINTER_INLINE static int64_t index(Place at, int v, int64_t groups, int64_t group) {
      return ((at.panel + v / S::vectors_a_panel) * groups + group) * panel_columns +
             v % S::vectors_a_panel * Lanes::lanes;
    }

    // What codes are to be less, as floats of the half they are in.
    SINTER_INLINE static void set_centers(const sinter_weight_only_gemm_args &a,
                                          const WeightOnlyPlan &plan, Place at, int64_t group,
                                          State &s) {
      for (int v = 0; v < S::vectors; v++) {
        const Float center = a.w_zero_points == nullptr
                                 ? Lanes::broadcast(1 << (bits - 1))
                                 : Lanes::to_float(Lanes::load_widened(
                                       a.w_zero_points + index(at, v, plan.groups, group)));
        for (int i = 0; i < places; i++) {
          s.centers[i][v] = Lanes::add(center, Lanes::broadcast(value(i)));
        }
      }
    }
  };
};

template <class Lanes, class Digits>
inline void weight_only_gemm(const sinter_weight_only_gemm_args &a) {
  if (a.bits == 4) {
    Int4Digits<Lanes, Digits>::run(a);
  } else {
    run_tiles<Int8Floats::Tile, Lanes, typename Lanes::F32Tiles>(a, WeightOnlyPlan(a));
  }
}

}  // namespace

#endif
