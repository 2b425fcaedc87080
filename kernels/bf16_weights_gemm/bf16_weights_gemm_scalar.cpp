// bfloat16 weights times f32 activations, one column at a time: what the other variants must equal.
#include "bf16_gemm/bf16_gemm.h"
#include "gemm/lanes_scalar.h"

namespace sinter {

void bf16_weights_gemm_scalar(const sinter_float_gemm_args &args) {
  float_gemm<Bf16Weights<Scalar>>(args);
}

}  // namespace sinter
