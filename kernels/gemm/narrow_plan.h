// How narrow_gemm.h cuts k: into blocks of packed weights, and into steps at the groups of weights
// and activations.
#ifndef SINTER_NARROW_PLAN_H
#define SINTER_NARROW_PLAN_H

#include "gemm/gemm.h"

namespace {

constexpr int row_bytes = 64;  // of packed weights

// How k is cut into steps, counted in blocks and in steps.
struct NarrowPlan {
  NarrowPlan(const sinter_gemm_args &a, int bits)
      : blocks(divide_up(a.k, block_k)),
        panel_bytes(blocks * bits * row_bytes),
        w_group(in_blocks(a.w_group, blocks)),
        x_group(in_blocks(a.x_group, blocks)),
        step(w_group < x_group ? w_group : x_group),
        steps(divide_up(blocks, step)),
        w_groups(divide_up(blocks, w_group)),
        x_groups(divide_up(blocks, x_group)) {}

  static int64_t in_blocks(int64_t group, int64_t blocks) {
    return group == 0 || group > blocks * block_k ? blocks : group / block_k;
  }

  int64_t blocks;
  int64_t panel_bytes;
  int64_t w_group;  // blocks of a group, of a step
  int64_t x_group;
  int64_t step;
  int64_t steps;  // how many in all
  int64_t w_groups;
  int64_t x_groups;
};

// A step and the groups it is in, without a division a step.
struct Position {
  int64_t block = 0;
  int64_t end;  // of the step
  int64_t step = 0;
  int64_t w_group = 0;
  int64_t x_group = 0;
  int64_t w_group_end;
  int64_t x_group_end;

  explicit Position(const NarrowPlan &plan)
      : end(plan.step), w_group_end(plan.w_group), x_group_end(plan.x_group) {}

  void next(const NarrowPlan &plan) {
    step++;
    end = end + plan.step < plan.blocks ? end + plan.step : plan.blocks;
    if (block == w_group_end) {
      w_group++;
      w_group_end += plan.w_group;
    }
    if (block == x_group_end) {
      x_group++;
      x_group_end += plan.x_group;
    }
  }
};

}  // namespace

#endif
