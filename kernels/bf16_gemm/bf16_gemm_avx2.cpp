// bfloat16 matmul, eight columns at a time.
#include "bf16_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void bf16_gemm_avx2(const sinter_float_gemm_args &args) { float_gemm<Bf16Values<Lanes256>>(args); }

}  // namespace sinter
