// Matmul of ternary weights, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void ternary_gemm_scalar(const sinter_gemm_args &args) {
  run_tiles<TernaryTile, Scalar, Scalar::NarrowTiles>(args, NarrowPlan(args, 2));
}

}  // namespace sinter
