// w4a8 matmul, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "gemm/narrow_gemm.h"

namespace sinter {

void int4_gemm_avxvnni(const sinter_gemm_args &args) {
  run_tiles<Int4Tile, AvxVnni, AvxVnni::NarrowTiles>(args, NarrowPlan(args, 4));
}

}  // namespace sinter
