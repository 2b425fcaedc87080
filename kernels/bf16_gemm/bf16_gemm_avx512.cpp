// bfloat16 matmul, sixteen columns at a time.
#include "bf16_gemm.h"
#include "gemm/lanes_avx512.h"

namespace sinter {

void bf16_gemm_avx512(const sinter_float_gemm_args &args) { float_gemm<Bf16Values<Avx512>>(args); }

}  // namespace sinter
