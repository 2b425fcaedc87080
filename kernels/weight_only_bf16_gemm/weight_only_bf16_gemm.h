// w4a16 and w8a16 matmul with bfloat16 activations; native/include/sinter.h says what it computes.
//
// Weights are those of w4a8 and w8a8, so that one packed matrix serves all: the layouts that the
// heads of narrow_gemm.h and int8_gemm.h draw. A step is 8 values of k: of each of 16 columns 4
// bytes in one line of 64 (int4: k0|k4, k1|k5, k2|k6, k3|k7) or in each of two (int8: k0..3, then
// k4..7). It is multiplied by pairs of neighbouring k, whose order is that in which a line yields
// them: a code less its zero point is an integer of 8 bits and a sign, which bfloat16 holds.
//
// Sums are those of vdpbf16ps: two fused multiply-adds a pair, the second value's first. Where
// there is no such instruction (CodesAsFloats) they are done one by one, with the same bits but for
// subnormal numbers, which vdpbf16ps takes for 0.
//
// The sum of a group is one chain from its first step up, whatever the tile, so that a row's result
// depends on nothing else. Results of the groups lie in memory, since sums take all registers.
//
// Alignment: none needed; rows of a block are whole cache lines if the weights start at one.
// Over-read: none; a prefetch never faults. Tails: columns by masks, rows by repeating the last,
// and at the end of k zeros instead of activations.
#ifndef SINTER_WEIGHT_ONLY_BF16_GEMM_H
#define SINTER_WEIGHT_ONLY_BF16_GEMM_H

#include <cstring>

#include "gemm/epilogue.h"
#include "weight_only_gemm/weights.h"

namespace {

constexpr int codes_step = 8;   // values of k
constexpr int codes_pairs = 4;  // of a step

// Where in a step the pairs are.
template <int bits>
struct CodesStep {
  static constexpr int lines = bits / 4;

  static constexpr int first(int pair) {
    return bits == 8 ? 2 * pair : pair / 2 * 2 + pair % 2 * 4;
  }
  static constexpr int line(int pair) { return bits == 8 ? pair / 2 : 0; }
  // Of the 4 bytes of a column, those from this one on.
  static constexpr int byte(int pair) { return bits == 8 ? pair % 2 * 2 : pair / 2 * 2; }
  static constexpr bool upper_nibble(int pair) { return bits == 4 && pair % 2 != 0; }
};

// Codes as floats: with ones in all other bits of the mantissa below bit 16, and above them the
// exponent that makes the code's lowest bit worth 1, a half of 4 bytes is a constant plus the code;
// that constant plus the zero point is subtracted, which is exact (see weight_only_gemm.h).
template <class Lanes_, int bits_>
struct CodesAsFloats {
  using Lanes = Lanes_;
  using Int = typename Lanes::Int;
  using Float = typename Lanes::Float;
  using Step = CodesStep<bits_>;
  using Tiles = typename Lanes::F32Tiles;
  static constexpr int bits = bits_;
  static constexpr int places = 16 / bits;

  struct Pair {
    Float first;
    Float second;
  };
  using Inputs = Pair;
  struct Center {
    Float of[places];
  };

  static Center center(const uint8_t *zero_points) {
    const Float zero = zero_points == nullptr ? Lanes::broadcast(1 << (bits - 1))
                                              : Lanes::to_float(Lanes::load_widened(zero_points));
    Center center;
    for (int place = 0; place < places; place++) {
      const double unit = 1u << (bits * place);
      const double constant = (8388608 + static_cast<double>(pattern(place) & 0xffffu)) / unit;
      center.of[place] = Lanes::add(zero, Lanes::broadcast(static_cast<float>(constant)));
    }
    return center;
  }

  static Pair load(const uint8_t *line, int pair, const Center &center) {
    const Int four = Lanes::load_int(reinterpret_cast<const int32_t *>(line));
    const Int two = Step::byte(pair) == 0 ? Lanes::low_half(four) : Lanes::high_half(four);
    const int first = Step::upper_nibble(pair) ? 1 : 0;
    const int second = first + 8 / bits;
    return {Lanes::subtract(Lanes::or_bits(two, pattern(first)), center.of[first]),
            Lanes::subtract(Lanes::or_bits(two, pattern(second)), center.of[second])};
  }

  static Inputs broadcast(const uint16_t *x) {
    int32_t both;
    std::memcpy(&both, x, sizeof both);
    const Int pair = Lanes::broadcast_int(both);
    return {Lanes::first_bf16(pair), Lanes::second_bf16(pair)};
  }

  static Float dot(Float sum, Pair w, Inputs x) {
    return Lanes::fma(w.first, x.first, Lanes::fma(w.second, x.second, sum));
  }

 private:
  static constexpr uint32_t pattern(int place) {
    return static_cast<uint32_t>(150 - bits * place) << 23 |
           (0xffffu & ~(((1u << bits) - 1) << (bits * place)));
  }
};

struct CodesPlan {
  CodesPlan(const sinter_weight_only_gemm_args &a, int bits)
      : panel_bytes(divide_up(a.k, block_k) * block_k * panel_columns * bits / 8),
        group(a.w_group == 0 || a.w_group > a.k ? a.k : a.w_group),
        groups(divide_up(a.k, group)) {}

  int64_t panel_bytes;
  int64_t group;  // values of k
  int64_t groups;
};

template <class Codes, int rows, int panels>
struct CodesTile {
  using Lanes = typename Codes::Lanes;
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, rows, panels>;

  // Where the tile is in k, and what the steps there need.
  struct State {
    const uint8_t *w;
    int64_t panel_bytes;
    const uint8_t *panel_end;
    const uint16_t *x[rows];
    bool begins;  // a group
    bool ends;
    typename Codes::Center centers[S::vectors];
    Float scales[S::vectors];
    Float sums[rows][S::vectors];  // of the group, while it neither begins nor ends
    Float results[rows][S::vectors];
  };

  static void run(const sinter_weight_only_gemm_args &a, const CodesPlan &plan, Place at) {
    State s;
    s.w = static_cast<const uint8_t *>(a.w) + at.panel * plan.panel_bytes;
    s.panel_bytes = plan.panel_bytes;
    s.panel_end = s.w + plan.panel_bytes;
    for (int r = 0; r < rows; r++) {
      s.x[r] = reinterpret_cast<const uint16_t *>(a.x) + row_of(a, at, r) * a.x_stride;
    }
    S::each([&](int r, int v) { s.results[r][v] = Lanes::broadcast(0.0f); });
    if constexpr (rows > 1) {
      prefetch_results<S>(a, at);
    }
    for (int64_t group = 0, k = 0; group < plan.groups; group++) {
      for (int v = 0; v < S::vectors; v++) {
        const int64_t index =
            ((at.panel + v / S::vectors_a_panel) * plan.groups + group) * panel_columns +
            v % S::vectors_a_panel * Lanes::lanes;
        if (group == 0 || a.w_zero_points != nullptr) {
          s.centers[v] =
              Codes::center(a.w_zero_points == nullptr ? nullptr : a.w_zero_points + index);
        }
        s.scales[v] = load_scale<Lanes>(a, index);
      }
      const int64_t end = k + plan.group < a.k ? k + plan.group : a.k;
      const int64_t whole = (end - k) / codes_step;
      const int64_t rest = (end - k) % codes_step;
      if (whole > 0) {
        s.begins = true;
        s.ends = rest == 0;
        add_steps(s, whole);
      }
      if (rest > 0) {
        uint16_t last[rows][codes_step] = {};
        for (int r = 0; r < rows; r++) {
          std::memcpy(last[r], s.x[r], static_cast<size_t>(rest) * sizeof(uint16_t));
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

  // A function of its own, since GCC 12 finds registers for all sums only if there is little else.
  SINTER_TILE void add_steps(State &s, int64_t steps) {
    const uint8_t *w = s.w;
    const int64_t panel_bytes = s.panel_bytes;
    const uint16_t *x[rows];
    Float sums[rows][S::vectors];
    SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = s.x[r]; }
    if (s.begins) {
      S::each([&](int r, int v) { sums[r][v] = Lanes::broadcast(0.0f); });
    } else {
      S::each([&](int r, int v) { sums[r][v] = s.sums[r][v]; });
    }
    for (; steps > 0; steps--) {
      if constexpr (rows <= 4) {
        prefetch(w, s.panel_end, panel_bytes);
      }
      SINTER_UNROLL for (int pair = 0; pair < codes_pairs; pair++) {
        typename Codes::Pair weights[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          const uint8_t *line = w + v / S::vectors_a_panel * panel_bytes +
                                64 * Codes::Step::line(pair) +
                                4 * Lanes::lanes * (v % S::vectors_a_panel);
          weights[v] = Codes::load(line, pair, s.centers[v]);
        }
        SINTER_UNROLL for (int r = 0; r < rows; r++) {
          const auto inputs = Codes::broadcast(x[r] + Codes::Step::first(pair));
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            sums[r][v] = Codes::dot(sums[r][v], weights[v], inputs);
          }
        }
      }
      w += 64 * Codes::Step::lines;
      SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] += codes_step; }
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

 private:
  // Into the L2 cache: what the core can ask memory for by itself is too little ahead. At the end
  // of the panels it is the beginning of those that come next.
  SINTER_INLINE static void prefetch(const uint8_t *w, const uint8_t *end, int64_t panel_bytes) {
    constexpr int64_t ahead = 2048;
    auto from = reinterpret_cast<uintptr_t>(w) + ahead;
    from += end - w > ahead ? 0 : (panels - 1) * static_cast<uintptr_t>(panel_bytes);
    SINTER_UNROLL for (int i = 0; i < panels * Codes::Step::lines; i++) {
      const uintptr_t line = from + i / Codes::Step::lines * static_cast<uintptr_t>(panel_bytes);
      __builtin_prefetch(reinterpret_cast<const void *>(line + 64 * (i % Codes::Step::lines)), 0,
                         2);
    }
  }
};

template <class Codes>
inline void multiply_codes(const sinter_weight_only_gemm_args &a) {
  run_tiles<CodesTile, Codes, typename Codes::Tiles>(a, CodesPlan(a, Codes::bits));
}

template <class Lanes>
inline void weight_only_bf16_gemm(const sinter_weight_only_gemm_args &a) {
  if (a.bits == 4) {
    multiply_codes<CodesAsFloats<Lanes, 4>>(a);
  } else {
    multiply_codes<CodesAsFloats<Lanes, 8>>(a);
  }
}

}  // namespace

#endif
