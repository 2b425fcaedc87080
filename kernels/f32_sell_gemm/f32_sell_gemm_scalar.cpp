// f32 matmul with unstructured sparse weights, one column at a time: what the other variants must
// equal.
#include "f32_sell_gemm.h"
#include "gemm/lanes_scalar.h"

namespace sinter {

void f32_sell_gemm_scalar(const sinter_f32_block_gemm_args &args) { F32Sell<Scalar>::run(args); }

}  // namespace sinter
