// w8a8 matmul with 2:4 weights, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "int8_2of4_gemm.h"

namespace sinter {

void int8_2of4_gemm_scalar(const sinter_block_gemm_args &args) {
  run_blocks<Int8TwoOfFourTile, Scalar>(args);
}

}  // namespace sinter
