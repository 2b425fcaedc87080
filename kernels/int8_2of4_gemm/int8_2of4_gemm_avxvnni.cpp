// w8a8 matmul with 2:4 weights, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "int8_2of4_gemm.h"

namespace sinter {

void int8_2of4_gemm_avxvnni(const sinter_block_gemm_args &args) {
  run_blocks<Int8TwoOfFourTile, AvxVnni>(args);
}

}  // namespace sinter
