// f32 matmul with unstructured sparse weights, eight columns or rows at a time.
#include "f32_sell_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void f32_sell_gemm_avx2(const sinter_f32_block_gemm_args &args) { F32Sell<Lanes256>::run(args); }

}  // namespace sinter
