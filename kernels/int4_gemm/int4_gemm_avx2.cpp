// w4a8 matmul, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void int4_gemm_avx2(const sinter_gemm_args &args) {
  run_tiles<Int4Tile, Avx2, Avx2::NarrowTiles>(args, NarrowPlan(args, 4));
}

}  // namespace sinter
