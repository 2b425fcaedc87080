// w8a8 matmul with block-sparse weights, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "int8_block_gemm.h"

namespace sinter {

void int8_block_gemm_avxvnni(const sinter_block_gemm_args &args) {
  run_blocks<Int8BlockTile, AvxVnni>(args);
}

}  // namespace sinter
