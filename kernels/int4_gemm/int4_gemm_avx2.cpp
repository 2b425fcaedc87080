// w4a8 matmul, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "int4_gemm.h"

namespace sinter {

void int4_gemm_avx2(const sinter_gemm_args &args) {
  run_tiles<Int4Tile, Avx2, Avx2::Int4Tiles>(args, Int4Plan(args));
}

}  // namespace sinter
