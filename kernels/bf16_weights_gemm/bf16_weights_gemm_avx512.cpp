// bfloat16 weights times f32 activations, sixteen columns at a time.
#include "bf16_gemm/bf16_gemm.h"
#include "gemm/lanes_avx512.h"

namespace sinter {

void bf16_weights_gemm_avx512(const sinter_float_gemm_args &args) {
  float_gemm<Bf16Weights<Avx512>>(args);
}

}  // namespace sinter
