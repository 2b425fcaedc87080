// Matmul of ternary weights, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void ternary_gemm_avx2(const sinter_gemm_args &args) {
  run_tiles<TernaryTile, Avx2, Avx2::NarrowTiles>(args, NarrowPlan(args, 2));
}

}  // namespace sinter
