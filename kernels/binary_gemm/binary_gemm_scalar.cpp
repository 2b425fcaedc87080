// Matmul of binary weights, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void binary_gemm_scalar(const sinter_gemm_args &args) {
  run_tiles<BinaryTile, Scalar, Scalar::NarrowTiles>(args, NarrowPlan(args, 1));
}

}  // namespace sinter
