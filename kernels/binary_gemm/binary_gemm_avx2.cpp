// Matmul of binary weights, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void binary_gemm_avx2(const sinter_gemm_args &args) {
  run_tiles<BinaryTile, Avx2, Avx2::NarrowTiles>(args, NarrowPlan(args, 1));
}

}  // namespace sinter
