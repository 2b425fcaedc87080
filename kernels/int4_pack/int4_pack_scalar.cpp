// int4 weights, one code a byte and row-major, to the layout that the head of int4_gemm.h draws.
//
// Alignment: none. Over-read: none. Tails: columns past n and k past the last are zero nibbles.
// Overflow: the entry bounds k. A panel's 16 rows are read side by side, so that each cache line of
// both matrices is touched in one go.
#include <cstring>

#include "sinter.h"

namespace sinter {

int32_t int4_pack_scalar(const sinter_pack_args &a) {
  constexpr int64_t columns = SINTER_GEMM_PANEL;
  constexpr int64_t block_k = SINTER_GEMM_BLOCK_K;
  const int64_t blocks = (a.k + block_k - 1) / block_k;
  const int64_t step_blocks = a.step == 0 ? blocks : a.step / block_k;
  const int64_t steps = (blocks + step_blocks - 1) / step_blocks;
  int32_t wrong = 0;
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint8_t *w = a.w + panel * blocks * (block_k * columns / 2);
    int32_t sums[columns] = {};
    for (int64_t block = 0; block < blocks; block++, w += block_k * columns / 2) {
      const int64_t k = block * block_k;
      const int64_t some = a.k - k < block_k ? a.k - k : block_k;
      for (int64_t c = 0; c < columns; c++) {
        const int64_t n = panel * columns + c;
        uint8_t nibbles[block_k] = {};
        for (int64_t i = 0; n < a.n && i < some; i++) {
          const int32_t u = a.codes[n * a.stride + k + i] + 8;
          wrong |= u & ~15;
          nibbles[i] = static_cast<uint8_t>(u);
          sums[c] += u;
        }
        for (int64_t i = 0; i < block_k / 2; i++) {  // row i / 4, byte i % 4
          const int64_t low = i / 4 * 8 + i % 4;
          w[i / 4 * 64 + c * 4 + i % 4] =
              static_cast<uint8_t>(nibbles[low] | nibbles[low + 4] << 4);
        }
      }
      if ((block + 1) % step_blocks == 0 || block + 1 == blocks) {
        if (a.w_sums != nullptr) {
          const int64_t step = block / step_blocks;
          std::memcpy(a.w_sums + (panel * steps + step) * columns, sums, sizeof sums);
        }
        std::memset(sums, 0, sizeof sums);
      }
    }
  }
  return wrong == 0 ? SINTER_OK : SINTER_INVALID_ARGUMENT;
}

}  // namespace sinter
