// f32 matmul with block-sparse weights, one column at a time: what the other variants must equal.
#include "f32_block_gemm.h"
#include "gemm/lanes_scalar.h"

namespace sinter {

void f32_block_gemm_scalar(const sinter_f32_block_gemm_args &args) {
  run_blocks<F32BlockTile, Scalar>(args);
}

}  // namespace sinter
