// Matmul of binary weights, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void binary_gemm_avxvnni(const sinter_gemm_args &args) {
  run_tiles<BinaryTile, AvxVnni, AvxVnni::NarrowTiles>(args, NarrowPlan(args, 1));
}

}  // namespace sinter
