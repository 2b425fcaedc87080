// f32 matmul with unstructured sparse weights, sixteen columns or rows at a time.
#include "f32_sell_gemm.h"
#include "gemm/lanes_avx512.h"

namespace sinter {

void f32_sell_gemm_avx512(const sinter_f32_block_gemm_args &args) { F32Sell<Avx512>::run(args); }

}  // namespace sinter
