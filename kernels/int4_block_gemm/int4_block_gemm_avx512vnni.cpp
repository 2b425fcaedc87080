// w4a8 matmul with block-sparse weights, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "int4_block_gemm.h"

namespace sinter {

void int4_block_gemm_avx512vnni(const sinter_block_gemm_args &args) {
  run_blocks<Int4BlockTile, Avx512Vnni, int4_block_rows<Avx512Vnni>>(args);
}

}  // namespace sinter
