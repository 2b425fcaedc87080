// int8 weights, row-major, to the blocks of int8_block_gemm.h, with the sums of the weights.
#include "gemm/block_pack.h"

namespace sinter {

void int8_block_pack_scalar(const sinter_block_pack_args &a) {
  const Blocks<int8_t, quad_k, block_weights> blocks(a);
  if (a.quads == nullptr) {
    blocks.count();
    return;
  }
  blocks.fill([](uint8_t *w, int64_t column, int64_t k, int8_t v) {
    w[column * quad_k + k] = static_cast<uint8_t>(v);
  });
  for (int64_t n = 0; n < divide_up(a.n, panel_columns) * panel_columns; n++) {
    int32_t sum = 0;
    for (int64_t k = 0; n < a.n && k < a.k; k++) {
      sum += static_cast<const int8_t *>(a.weights)[n * a.stride + k];
    }
    a.w_sums[n] = sum;
  }
}

}  // namespace sinter
