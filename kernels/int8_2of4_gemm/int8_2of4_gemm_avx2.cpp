// w8a8 matmul with 2:4 weights, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "int8_2of4_gemm.h"

namespace sinter {

void int8_2of4_gemm_avx2(const sinter_block_gemm_args &args) {
  run_blocks<Int8TwoOfFourTile, Avx2>(args);
}

}  // namespace sinter
