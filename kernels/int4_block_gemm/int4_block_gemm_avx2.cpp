// w4a8 matmul with block-sparse weights, eight columns at a time, without VNNI.
#include "gemm/lanes_avx2.h"
#include "int4_block_gemm.h"

namespace sinter {

void int4_block_gemm_avx2(const sinter_block_gemm_args &args) {
  run_blocks<Int4BlockTile, Avx2, int4_block_rows<Avx2>>(args);
}

}  // namespace sinter
