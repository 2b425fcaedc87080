// w8a8 matmul with 2:4 weights, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "int8_2of4_gemm.h"

namespace sinter {

void int8_2of4_gemm_avx512vnni(const sinter_block_gemm_args &args) {
  run_blocks<Int8TwoOfFourTile, Avx512Vnni>(args);
}

}  // namespace sinter
