// w8a8 matmul, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "int8_gemm.h"

namespace sinter {

void int8_gemm_avx512vnni(const sinter_gemm_args &args) {
  run_tiles<Int8Tile, Avx512Vnni, Avx512Vnni::Int8Tiles>(args, Int8Plan(args));
}

}  // namespace sinter
