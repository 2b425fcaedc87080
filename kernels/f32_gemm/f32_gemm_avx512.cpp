// f32 matmul, sixteen columns at a time.
#include "f32_gemm.h"
#include "gemm/lanes_avx512.h"

namespace sinter {

void f32_gemm_avx512(const sinter_float_gemm_args &args) { float_gemm<F32Values<Avx512>>(args); }

}  // namespace sinter
