// What the block-sparse matmuls need besides their kernels: scratch memory, and lists that are
// good.
#include "sinter.h"

namespace {

constexpr int64_t tile_rows = 16;  // the most that any instruction set has
constexpr int64_t quad = 4;

}  // namespace

int64_t sinter_block_gemm_scratch(int64_t k, int64_t element_bytes) {
  return (k + quad - 1) / quad * quad * element_bytes * tile_rows;
}

int32_t sinter_block_list(int64_t n, int64_t k, const int64_t *starts, const uint16_t *quads) {
  if (n < 1 || k < 1 || k > SINTER_BLOCK_MAX_K || starts == nullptr || quads == nullptr ||
      starts[0] != 0) {
    return SINTER_INVALID_ARGUMENT;
  }
  const int64_t panels = (n + SINTER_GEMM_PANEL - 1) / SINTER_GEMM_PANEL;
  const int64_t count = (k + quad - 1) / quad;
  for (int64_t panel = 0; panel < panels; panel++) {
    const int64_t blocks = starts[panel + 1] - starts[panel];
    if (blocks < 0 || blocks > count) {
      return SINTER_INVALID_ARGUMENT;
    }
    int64_t least = 0;
    for (int64_t block = starts[panel]; block < starts[panel + 1]; block++) {
      if (quads[block] < least || quads[block] >= count) {
        return SINTER_INVALID_ARGUMENT;
      }
      least = int64_t{quads[block]} + 1;
    }
  }
  return SINTER_OK;
}
