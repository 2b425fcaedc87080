// What both halves of weight_only_gemm do with weights and with a finished sum.
#ifndef SINTER_WEIGHT_ONLY_WEIGHTS_H
#define SINTER_WEIGHT_ONLY_WEIGHTS_H

#include "gemm/gemm.h"

namespace {

template <class Lanes>
struct WeightOnlySums {
  using Element = typename Lanes::Float;

  SINTER_INLINE WeightOnlySums(const sinter_weight_only_gemm_args &, int64_t) {}

  SINTER_INLINE Element value(int64_t, Element sum, Element bias) const {
    return Lanes::add(sum, bias);
  }
};

template <class Lanes>
SINTER_INLINE typename Lanes::Float load_scale(const sinter_weight_only_gemm_args &a, int64_t i) {
  return a.w_scale_type == SINTER_F16
             ? Lanes::load_half(static_cast<const uint16_t *>(a.w_scales) + i)
             : Lanes::load(static_cast<const float *>(a.w_scales) + i);
}

}  // namespace

#endif
