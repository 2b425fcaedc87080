// w4a16 and w8a16 matmul with bfloat16 activations, one column at a time.
#include "gemm/lanes_scalar.h"
#include "weight_only_bf16_gemm.h"

namespace sinter {

void weight_only_bf16_gemm_scalar(const sinter_weight_only_gemm_args &args) {
  weight_only_bf16_gemm<Scalar>(args);
}

}  // namespace sinter
