// f32 matmul with block-sparse weights, sixteen columns at a time.
#include "f32_block_gemm.h"
#include "gemm/lanes_avx512.h"

namespace sinter {

void f32_block_gemm_avx512(const sinter_f32_block_gemm_args &args) {
  run_blocks<F32BlockTile, Avx512>(args);
}

}  // namespace sinter
