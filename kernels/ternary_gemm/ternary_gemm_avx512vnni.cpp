// Matmul of ternary weights, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void ternary_gemm_avx512vnni(const sinter_gemm_args &args) {
  run_tiles<TernaryTile, Avx512Vnni, Avx512Vnni::NarrowTiles>(args, NarrowPlan(args, 2));
}

}  // namespace sinter
