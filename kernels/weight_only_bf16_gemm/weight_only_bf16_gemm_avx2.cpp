// w4a16 and w8a16 matmul with bfloat16 activations, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "weight_only_bf16_gemm.h"

namespace sinter {

void weight_only_bf16_gemm_avx2(const sinter_weight_only_gemm_args &args) {
  weight_only_bf16_gemm<Lanes256>(args);
}

}  // namespace sinter
