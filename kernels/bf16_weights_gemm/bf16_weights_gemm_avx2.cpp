// bfloat16 weights times f32 activations, eight columns at a time.
#include "bf16_gemm/bf16_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void bf16_weights_gemm_avx2(const sinter_float_gemm_args &args) {
  float_gemm<Bf16Weights<Lanes256>>(args);
}

}  // namespace sinter
