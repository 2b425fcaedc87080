// int8 weights, row-major, to the layout that the head of int8_gemm.h draws.
//
// Alignment: none. Over-read: none. Tails: columns past n and k past the last are zero bytes.
// Overflow: the entry bounds k. A panel's 16 rows are read side by side, so that each cache line of
// both matrices is touched in one go.
#include <cstring>

#include "sinter.h"

namespace sinter {

int32_t int8_pack_scalar(const sinter_pack_args &a) {
  constexpr int64_t columns = SINTER_GEMM_PANEL;
  const int64_t padded_k =
      (a.k + SINTER_GEMM_BLOCK_K - 1) / SINTER_GEMM_BLOCK_K * SINTER_GEMM_BLOCK_K;
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint8_t *w = a.w + panel * padded_k * columns;
    int32_t sums[columns] = {};
    for (int64_t k = 0; k < padded_k; k += 4) {
      const int64_t some = k >= a.k ? 0 : a.k - k < 4 ? a.k - k : 4;
      for (int64_t c = 0; c < columns; c++, w += 4) {
        const int64_t n = panel * columns + c;
        uint8_t quad[4] = {};
        for (int64_t i = 0; n < a.n && i < some; i++) {
          quad[i] = static_cast<uint8_t>(a.codes[n * a.stride + k + i] + 128);
          sums[c] += quad[i];
        }
        std::memcpy(w, quad, sizeof quad);
      }
    }
    if (a.w_sums != nullptr) {
      std::memcpy(a.w_sums + panel * columns, sums, sizeof sums);
    }
  }
  return SINTER_OK;
}

}  // namespace sinter
