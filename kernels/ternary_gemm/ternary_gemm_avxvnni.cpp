// Matmul of ternary weights, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void ternary_gemm_avxvnni(const sinter_gemm_args &args) {
  run_tiles<TernaryTile, AvxVnni, AvxVnni::NarrowTiles>(args, NarrowPlan(args, 2));
}

}  // namespace sinter
