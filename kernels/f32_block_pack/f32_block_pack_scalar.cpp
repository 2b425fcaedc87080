// f32 weights, row-major, to the blocks of f32_block_gemm.h.
#include "gemm/block_pack.h"

namespace sinter {

void f32_block_pack_scalar(const sinter_block_pack_args &a) {
  const Blocks<float> blocks(a);
  if (a.quads == nullptr) {
    blocks.count();
  } else {
    blocks.fill([](int64_t column, int64_t k) { return k * panel_columns + column; });
  }
}

}  // namespace sinter
