// What the sums of products of narrow_gemm.h have too much: with c the zero point of the weights
// and z that of the activations q, z * sum u + c * sum (q - z), the sums being over a step.
#ifndef SINTER_NARROW_EXCESS_H
#define SINTER_NARROW_EXCESS_H

#include "gemm/gemm.h"
#include "gemm/narrow_plan.h"

namespace {

// Of a tile's columns, an array [panels][count][16].
template <class T, class Lanes, class S>
struct Columns {
  Columns(const T *all, int64_t count, Place at)
      : first(all == nullptr ? nullptr : all + at.panel * count * panel_columns),
        stride(count * panel_columns) {}

  SINTER_INLINE const T *at(int v, int64_t i) const {
    return first + v / S::vectors_a_panel * stride + i * panel_columns +
           v % S::vectors_a_panel * Lanes::lanes;
  }

  const T *first;  // or null
  int64_t stride;
};

template <class Code, class Lanes, class S>
class Excess {
  using Int = typename Lanes::Int;
  static constexpr int rows = S::rows;

 public:
  SINTER_INLINE Excess(const sinter_gemm_args &args, const NarrowPlan &plan, Place at)
      : a(args),
        plan(plan),
        at(at),
        centers(a.w_zero_points, plan.w_groups, at),
        w_sums(a.x_zero_points == nullptr ? nullptr : a.w_sums, plan.steps, at),
        paired(plan.step <= paired_blocks && plan.steps <= paired_steps) {
    if (paired) {
      prepare();
    }
  }

  // The sums of u that come with the weights; 0 if they do not matter.
  SINTER_INLINE Int w_sum(const Position &position, int v) const {
    return w_sums.first == nullptr ? Lanes::broadcast_int(0)
                                   : Lanes::load_int(w_sums.at(v, position.step));
  }

  SINTER_INLINE void subtract(const Position &position, const Int (&u_sums)[S::vectors],
                              Int (&sums)[rows][S::vectors]) const {
    Int center[S::vectors];
    SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
      center[v] = centers.first == nullptr ? Lanes::broadcast_int(Code::center)
                                           : Lanes::load_widened(centers.at(v, position.w_group));
    }
    if (paired) {
      Int columns[S::vectors];
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        columns[v] = Lanes::add_int(Lanes::to_high_half(center[v]), u_sums[v]);
      }
      SINTER_UNROLL for (int r = 0; r < rows; r++) {
        const Int x = Lanes::broadcast_int(pairs[r][position.step]);
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          sums[r][v] = Lanes::add_int(sums[r][v], Lanes::multiply_pairs(columns[v], x));
        }
      }
      return;
    }
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      const int64_t row = row_of(a, at, r);
      const Int x_sum = Lanes::broadcast_int(a.x_sums[row * plan.steps + position.step]);
      const Int zero_point = Lanes::broadcast_int(x_zero_point(row, position.x_group));
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        const Int excess = Lanes::add_int(Lanes::multiply_int(center[v], x_sum),
                                          Lanes::multiply_int(u_sums[v], zero_point));
        sums[r][v] = Lanes::subtract_int(sums[r][v], excess);
      }
    }
  }

 private:
  // In steps of 128 k at most both products fit an instruction that multiplies 16-bit halves and
  // adds: the sum of q - z is within 128 * 255, that of u within 128 * 15. With groups of 32 they
  // were a third of a tile's instructions.
  static constexpr int64_t paired_blocks = 128 / block_k;
  static constexpr int64_t paired_steps = 1024;  // for which there is room: k up to 32768

  SINTER_INLINE int32_t x_zero_point(int64_t row, int64_t group) const {
    return a.x_zero_points == nullptr ? 0 : a.x_zero_points[row * plan.x_groups + group];
  }

  // Minus the sum of q - z in the upper half, minus z in the lower one.
  SINTER_INLINE static int32_t pair(int32_t x_sum, int32_t zero_point) {
    return static_cast<int32_t>((0 - static_cast<uint32_t>(x_sum)) << 16 |
                                ((0 - static_cast<uint32_t>(zero_point)) & 0xffff));
  }

  SINTER_INLINE void prepare() {
    for (int r = 0; r < rows; r++) {
      const int64_t row = row_of(a, at, r);
      const int32_t *x_sums = a.x_sums + row * plan.steps;
      if (plan.x_groups == 1) {
        const int32_t zero_point = x_zero_point(row, 0);
        for (int64_t i = 0; i < plan.steps; i++) {
          pairs[r][i] = pair(x_sums[i], zero_point);
        }
      } else {
        const int64_t steps = plan.x_group / plan.step;
        for (int64_t i = 0; i < plan.steps; i++) {
          pairs[r][i] = pair(x_sums[i], x_zero_point(row, i / steps));
        }
      }
    }
  }

  const sinter_gemm_args &a;
  const NarrowPlan &plan;
  const Place at;
  const Columns<uint8_t, Lanes, S> centers;
  const Columns<int32_t, Lanes, S> w_sums;
  const bool paired;
  int32_t pairs[rows][paired_steps];
};

}  // namespace

#endif
