// f32 matmul, eight columns at a time.
#include "f32_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void f32_gemm_avx2(const sinter_f32_gemm_args &args) { f32_gemm<Lanes256>(args); }

}  // namespace sinter
