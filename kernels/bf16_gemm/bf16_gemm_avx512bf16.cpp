// bfloat16 matmul, sixteen columns and two k at a time, with vdpbf16ps.
#include "bf16_gemm.h"
#include "gemm/lanes_avx512bf16.h"

namespace sinter {

void bf16_gemm_avx512bf16(const sinter_float_gemm_args &args) {
  float_gemm<Bf16Pairs<Avx512Bf16>>(args);
}

}  // namespace sinter
