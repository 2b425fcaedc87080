// Weights of 4, 2 or 1 bits, one code a byte and row-major, to the layout that the head of
// narrow_gemm.h draws.
//
// Alignment: none. Over-read: none. Tails: columns past n and k past the last are zero bits.
// Overflow: the entry bounds k. A panel's 16 rows are read side by side, so that each cache line of
// both matrices is touched in one go.
#ifndef SINTER_NARROW_PACK_H
#define SINTER_NARROW_PACK_H

#include <cstring>

#include "sinter.h"

namespace {

// `highest` is the largest u = code + `center`; a single bit holds half of u, which is 0 or 2.
template <int bits, int center, int highest>
int32_t narrow_pack(const sinter_pack_args &a) {
  constexpr int64_t columns = SINTER_GEMM_PANEL;
  constexpr int64_t block_k = SINTER_GEMM_BLOCK_K;
  constexpr int64_t row_bytes = 4 * columns;
  constexpr int planes = 8 / bits;
  constexpr int halved = bits == 1 ? 1 : 0;
  const int64_t blocks = (a.k + block_k - 1) / block_k;
  const int64_t step_blocks = a.step == 0 ? blocks : a.step / block_k;
  const int64_t steps = (blocks + step_blocks - 1) / step_blocks;
  int wrong = 0;
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint8_t *w = a.w + panel * blocks * bits * row_bytes;
    int32_t sums[columns] = {};
    for (int64_t block = 0; block < blocks; block++, w += bits * row_bytes) {
      const int64_t k = block * block_k;
      const int64_t some = a.k - k < block_k ? a.k - k : block_k;
      for (int64_t c = 0; c < columns; c++) {
        const int64_t n = panel * columns + c;
        uint8_t codes[block_k] = {};
        if (n < a.n) {
          const int8_t *from = a.codes + n * a.stride + k;
          for (int64_t i = 0; i < some; i++) {
            const uint8_t u = static_cast<uint8_t>(from[i] + center);
            wrong |= (u > highest) | (u & halved);
            sums[c] += u;
            codes[i] = static_cast<uint8_t>(u >> halved);
          }
        }
        for (int row = 0; row < bits; row++) {
          uint32_t packed = 0;  // four bytes, of which none outgrows its place
          for (int plane = 0; plane < planes; plane++) {
            uint32_t quad;
            std::memcpy(&quad, codes + (row * planes + plane) * 4, sizeof quad);
            packed |= quad << (bits * plane);
          }
          std::memcpy(w + row * row_bytes + c * 4, &packed, sizeof packed);
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
  return wrong != 0 ? SINTER_INVALID_ARGUMENT : SINTER_OK;
}

}  // namespace

#endif
