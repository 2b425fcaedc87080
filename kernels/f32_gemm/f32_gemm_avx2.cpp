// f32 matmul, eight columns at a time.
#include "f32_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void f32_gemm_avx2(const sinter_float_gemm_args &args) { float_gemm<F32Values<Lanes256>>(args); }

}  // namespace sinter
