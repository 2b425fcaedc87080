// w4a8 matmul, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void int4_gemm_avx512vnni(const sinter_gemm_args &args) {
  run_tiles<Int4Tile, Avx512Vnni, Avx512Vnni::NarrowTiles>(args, NarrowPlan(args, 4));
}

}  // namespace sinter
