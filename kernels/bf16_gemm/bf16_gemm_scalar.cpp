// bfloat16 matmul, one column at a time: what the other variants must equal.
#include "bf16_gemm.h"
#include "gemm/lanes_scalar.h"

namespace sinter {

void bf16_gemm_scalar(const sinter_float_gemm_args &args) { float_gemm<Bf16Values<Scalar>>(args); }

}  // namespace sinter
