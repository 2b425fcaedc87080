// f32 matmul with block-sparse weights, eight columns at a time.
#include "f32_block_gemm.h"
#include "gemm/lanes_avx2.h"

namespace sinter {

void f32_block_gemm_avx2(const sinter_f32_block_gemm_args &args) {
  run_blocks<F32BlockTile, Lanes256>(args);
}

}  // namespace sinter
