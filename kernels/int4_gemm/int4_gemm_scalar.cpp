// w4a8 matmul, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void int4_gemm_scalar(const sinter_gemm_args &args) {
  run_tiles<Int4Tile, Scalar, Scalar::NarrowTiles>(args, NarrowPlan(args, 4));
}

}  // namespace sinter
