// w4a8 matmul with block-sparse weights, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "int4_block_gemm.h"

namespace sinter {

void int4_block_gemm_scalar(const sinter_block_gemm_args &args) {
  run_blocks<Int4BlockTile, Scalar, int4_block_rows<Scalar>>(args);
}

}  // namespace sinter
