// f32 matmul, one column at a time: what the other variants must equal.
#include "f32_gemm.h"
#include "gemm/lanes_scalar.h"

namespace sinter {

void f32_gemm_scalar(const sinter_float_gemm_args &args) { float_gemm<F32Values<Scalar>>(args); }

}  // namespace sinter
