// w4a8 matmul with block-sparse weights, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "int4_block_gemm.h"

namespace sinter {

void int4_block_gemm_avxvnni(const sinter_block_gemm_args &args) {
  run_blocks<Int4BlockTile, AvxVnni, int4_block_rows<AvxVnni>>(args);
}

}  // namespace sinter
