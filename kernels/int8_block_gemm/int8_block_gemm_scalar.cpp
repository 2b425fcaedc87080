// w8a8 matmul with block-sparse weights, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "int8_block_gemm.h"

namespace sinter {

void int8_block_gemm_scalar(const sinter_block_gemm_args &args) {
  run_blocks<Int8BlockTile, Scalar>(args);
}

}  // namespace sinter
