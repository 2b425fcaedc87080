// Matmul of binary weights, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void binary_gemm_avx512vnni(const sinter_gemm_args &args) {
  run_tiles<BinaryTile, Avx512Vnni, Avx512Vnni::NarrowTiles>(args, NarrowPlan(args, 1));
}

}  // namespace sinter
