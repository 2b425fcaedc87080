// int4 weights, one code a byte and row-major, to the blocks of int4_block_gemm.h.
#include "gemm/block_pack.h"

namespace sinter {

int32_t int4_block_pack_scalar(const sinter_block_pack_args &a) {
  constexpr int64_t bytes = 64;
  const Blocks<int8_t, 2 * quad_k, bytes> blocks(a);
  if (a.quads == nullptr) {
    blocks.count();
    return SINTER_OK;
  }
  bool good = true;
  blocks.fill([&](uint8_t *w, int64_t column, int64_t k, int8_t v) {
    good &= -8 <= v && v <= 7;
    w[column * quad_k + k % quad_k] |= static_cast<uint8_t>((v & 15) << (k / quad_k * 4));
  });
  return good ? SINTER_OK : SINTER_INVALID_ARGUMENT;
}

}  // namespace sinter
