// w4a8 matmul with block-sparse weights; native/include/sinter.h says what it computes.
//
// Weights as gemm/block_gemm.h draws them, but with a list for each group of a panel, and a block
// is a row of int4_gemm's layout, two quads:
//
//   block:  n0 k0|k4, k1|k5, k2|k6, k3|k7 | n1 ... | n15 ...     64 bytes (low | high nibble)
//
// A nibble is the weight in two's complement, and is multiplied where it can be a signed byte, in
// the upper half: 16 times the weight, which the sum of a group gives back as a float, exactly. The
// activations are unsigned as in int8_block_gemm, and the sums of the weights that this takes are
// added up here: a single row is bound by memory, and they would be as much as a block a group.
//
// Alignment: none needed; blocks are whole cache lines if the weights start at one. Over-read:
// activations up to k rounded up to 4, within what sinter.h says, and as much scratch memory as
// there is; nothing else. Overflow: sums wrap modulo 2^32 on the way, and the entry bounds K so
// that 16 times the result fits. Tails: columns by masks, rows by repeating the last, k by weights
// of 0.
#ifndef SINTER_INT4_BLOCK_GEMM_H
#define SINTER_INT4_BLOCK_GEMM_H

#include "gemm/narrow_gemm.h"
#include "int8_block_gemm/int8_block_gemm.h"

namespace {

constexpr int8_t ones_of_quad[quad_k] = {1, 1, 1, 1};

// Half the rows of other tiles: each has a float sum besides that of the group.
template <class Lanes>
constexpr int int4_block_rows = Lanes::block_rows == 1 ? 1 : Lanes::block_rows / 2;

// How many blocks a group of a panel has cannot be predicted, and a wrong guess takes as long as
// two of them: a single row goes through them by twos, the last of which may be zeros.
constexpr int together = 2;
alignas(64) constexpr uint8_t no_weights[row_bytes] = {};

// Without a branch.
SINTER_INLINE const uint8_t *choose(bool first, const uint8_t *a, const uint8_t *b) {
  const uintptr_t mask = first ? ~uintptr_t{0} : 0;
  return reinterpret_cast<const uint8_t *>((reinterpret_cast<uintptr_t>(a) & mask) |
                                           (reinterpret_cast<uintptr_t>(b) & ~mask));
}

template <class Lanes, int rows, int panels>
struct Int4BlockTile {
  using Int = typename Lanes::Int;
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, rows, panels>;

  static int64_t groups(const sinter_block_gemm_args &a) {
    return a.gemm.w_group == 0 ? 1 : divide_up(a.gemm.k, a.gemm.w_group);
  }
  static int64_t offset(const sinter_block_gemm_args &a, int64_t panel) {
    return row_bytes * a.starts[panel * groups(a)];
  }
  static void prepare(const sinter_block_gemm_args &a, int64_t row) {
    interleave_codes<rows>(a, row);
  }

  SINTER_TILE void run(const sinter_block_gemm_args &a, Place at) {
    Float results[rows][S::vectors];
    S::each([&](int r, int v) { results[r][v] = Lanes::broadcast(0); });
    if constexpr (rows > 1) {
      prefetch_results<S>(a.gemm, at);
    }
    if constexpr (rows == 1 && Lanes::has_masks) {
      add_panel(a, at, results[0][0]);
    } else {
      const int64_t lists = groups(a);
      for (int64_t i = at.panel * lists; i < (at.panel + 1) * lists; i++) {
        if (a.starts[i] < a.starts[i + 1]) {
          add_group(a, at, i, results);
        }
      }
    }
    finish<Lanes, NarrowSums<Lanes>>(a.gemm, at, results);
  }

  // All lists of a panel for a single row, as one. Where a group ends cannot be predicted, and with
  // few blocks in each a wrong guess would take longer than all of them: after every block the sum
  // is added to the result, under a mask that is empty but for the last one of its group.
  SINTER_INLINE static void add_panel(const sinter_block_gemm_args &a, Place at, Float &result) {
    const auto *halves = static_cast<const uint16_t *>(a.gemm.w_scales);
    const auto *floats = static_cast<const float *>(a.gemm.w_scales);
    const int64_t first = at.panel * groups(a) * panel_columns;
    if (a.gemm.w_scale_type == SINTER_F16) {
      add_panel(
          a, at, [=](int64_t i) { return Lanes::load_half(halves + first + i); }, result);
    } else {
      add_panel(
          a, at, [=](int64_t i) { return Lanes::load(floats + first + i); }, result);
    }
  }

  template <class Scale>
  SINTER_INLINE static void add_panel(const sinter_block_gemm_args &a, Place at, Scale scale_at,
                                      Float &result) {
    const int64_t lists = groups(a);
    const uint16_t *quads = a.quads + a.starts[at.panel * lists];
    const uint16_t *const end = a.quads + a.starts[(at.panel + 1) * lists];
    if (quads == end) {
      return;
    }
    const uint8_t *w = static_cast<const uint8_t *>(a.gemm.w) + offset(a, at.panel);
    const auto *x = static_cast<const int8_t *>(a.scratch);
    // Places are below 2^16, for which this rounds a quotient down as it should.
    const auto blocks =
        static_cast<uint64_t>(divide_up(lists == 1 ? a.gemm.k : a.gemm.w_group, 2 * quad_k));
    const uint64_t reciprocal = ((uint64_t{1} << 32) + blocks - 1) / blocks;
    const auto group_of = [=](uint16_t place) {
      return static_cast<int64_t>(place * reciprocal >> 32);
    };
    // What the activations have too much; it fits a byte.
    const int32_t zero_point = a.gemm.x_zero_points == nullptr ? 0 : a.gemm.x_zero_points[at.row];
    const Int center = Lanes::broadcast_int(
        static_cast<int32_t>(static_cast<uint32_t>(128 + zero_point) * 0x01010101u));
    const Int zero = Lanes::broadcast_int(0);
    Int sum = zero;
    Float total = Lanes::broadcast(0);
    auto ended = Lanes::mask(-1);  // whether a group has before this block
    const auto add = [&](int64_t group, int64_t next) {
      prefetch(w);
      const auto packed = Lanes::load_bytes(w);
      const int8_t *const quad = x + 2 * quad_k * int64_t{*quads};
      const Int low = Lanes::codes(packed, -4, 0xf0);
      const Int high = Lanes::codes(packed, 0, 0xf0);
      const Int product = Lanes::dot(Lanes::dot(zero, Lanes::broadcast_quad(quad), low),
                                     Lanes::broadcast_quad(quad + quad_k), high);
      const Int excess = Lanes::dot(Lanes::dot(zero, center, low), center, high);
      sum = Lanes::add_unless(ended, Lanes::subtract_int(product, excess), sum);
      ended = Lanes::mask(group - next);
      const Float exact = Lanes::multiply(Lanes::to_float(sum), Lanes::broadcast(0.0625f));
      total = Lanes::fma_where(ended, exact, scale_at(group * panel_columns), total);
      w += row_bytes;
    };
    int64_t group = group_of(*quads);
    for (; quads + 1 < end; quads++) {
      const int64_t next = group_of(quads[1]);
      add(group, next);
      group = next;
    }
    add(group, INT64_MAX);
    result = total;
  }

  // The list of a group of a panel.
  SINTER_INLINE static void add_group(const sinter_block_gemm_args &a, Place at, int64_t group,
                                      Float (&results)[rows][S::vectors]) {
    BlockList list(a, group);
    const uint8_t *w = static_cast<const uint8_t *>(a.gemm.w) + row_bytes * list.first;
    const auto *x = static_cast<const int8_t *>(a.scratch);
    Int sums[2][rows][S::vectors];  // of the quads of a block
    Int w_sums[2][S::vectors];
    SINTER_UNROLL for (int half = 0; half < 2; half++) {
      S::each([&](int r, int v) { sums[half][r][v] = Lanes::broadcast_int(0); });
      SINTER_UNROLL for (Int &sum : w_sums[half]) { sum = Lanes::broadcast_int(0); }
    }
    const auto ones = Lanes::widen(Lanes::broadcast_quad(ones_of_quad));
    const auto add_block = [&](const uint8_t *block, int64_t place) {
      const int8_t *const quad = x + 2 * quad_k * rows * place;
      SINTER_UNROLL for (int half = 0; half < 2; half++) {
        // One chain of sums where there are enough of them.
        constexpr bool apart = rows * S::vectors < 4;
        const int chain = apart ? half : 0;
        typename Lanes::WideQuad weights[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          const auto packed = Lanes::load_bytes(block + 4 * Lanes::lanes * v);
          weights[v] = Lanes::widen_signed(Lanes::codes(packed, half == 0 ? -4 : 0, 0xf0));
          w_sums[chain][v] = Lanes::dot(w_sums[chain][v], ones, weights[v]);
        }
        add_quad<Lanes>(quad + quad_k * rows * half, weights, sums[chain]);
      }
    };
    if constexpr (rows == 1) {
      for (; list.left > 0; list.left -= together) {
        SINTER_UNROLL for (int i = 0; i < together; i++) {
          const bool there = i < list.left;
          prefetch(w + row_bytes * i);
          add_block(choose(there, w + row_bytes * i, no_weights), list.quads[there ? i : 0]);
        }
        list.quads += together;
        w += row_bytes * together;
      }
    } else {
      for (; list.left > 0; list.left--, list.quads++, w += row_bytes) {
        add_block(w, *list.quads);
      }
    }
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      const int64_t column = group * panel_columns + v * Lanes::lanes;
      const Float scale =
          a.gemm.w_scale_type == SINTER_F16
              ? Lanes::load_half(static_cast<const uint16_t *>(a.gemm.w_scales) + column)
              : Lanes::load(static_cast<const float *>(a.gemm.w_scales) + column);
      const Int w_sum = Lanes::add_int(w_sums[0][v], w_sums[1][v]);
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        const int32_t zero_point =
            a.gemm.x_zero_points == nullptr ? 0 : a.gemm.x_zero_points[row_of(a.gemm, at, r)];
        const Int sum =
            Lanes::subtract_int(Lanes::add_int(sums[0][r][v], sums[1][r][v]),
                                Lanes::multiply_int(w_sum, Lanes::broadcast_int(128 + zero_point)));
        const Float exact = Lanes::multiply(Lanes::to_float(sum), Lanes::broadcast(0.0625f));
        results[r][v] = Lanes::fma(exact, scale, results[r][v]);
      }
    }
  }
};

}  // namespace

#endif
