// f32 weights, row-major, to the blocks of f32_block_gemm.h.
#include "gemm/block_pack.h"

namespace sinter {

void f32_block_pack_scalar(const sinter_block_pack_args &a) {
  const Blocks<float, quad_k, 4 * block_weights> blocks(a);
  if (a.quads == nullptr) {
    blocks.count();
  } else {
    blocks.fill([](uint8_t *w, int64_t column, int64_t k, float v) {
      std::memcpy(w + 4 * (k * panel_columns + column), &v, sizeof v);
    });
  }
}

}  // namespace sinter
