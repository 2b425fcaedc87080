// w8a8 matmul, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "int8_gemm.h"

namespace sinter {

void int8_gemm_avx2(const sinter_gemm_args &args) {
  run_tiles<Int8Tile, Avx2, Avx2::Int8Tiles>(args, Int8Plan(args));
}

}  // namespace sinter
