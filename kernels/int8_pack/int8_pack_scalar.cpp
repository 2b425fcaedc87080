// int8 weights, row-major, to the layout that the head of int8_gemm.h draws.
//
// Alignment: none. Over-read: none. Tails: columns past n and k past the last are zero bytes.
// Overflow: the entry bounds k. A panel's 16 rows are read side by side, so that each cache line of
// both matrices is touched in one go.
#include <cstring>

#include "sinter.h"

namespace {

constexpr int64_t columns = SINTER_GEMM_PANEL;

// `count` codes, four at most, with their signs flipped into a bias of 128.
uint32_t quad(const int8_t *codes, int64_t count) {
  uint32_t bytes = 0;
  std::memcpy(&bytes, codes, static_cast<size_t>(count));
  return bytes ^ (0x80808080u >> (32 - 8 * count));
}

int32_t sum(const int8_t *codes, int64_t k) {
  int32_t s = 0;
  for (int64_t i = 0; i < k; i++) {
    s += codes[i] + 128;
  }
  return s;
}

}  // namespace

namespace sinter {

int32_t int8_pack_scalar(const sinter_pack_args &a) {
  const int64_t block_k = SINTER_GEMM_BLOCK_K;
  const int64_t panel_bytes = (a.k + block_k - 1) / block_k * block_k * columns;
  const int64_t whole = a.k / 4 * 4;
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint8_t *w = a.w + panel * panel_bytes;
    const int64_t first = panel * columns;
    const int64_t present = a.n - first < columns ? a.n - first : columns;
    const int8_t *codes = a.codes + first * a.stride;
    if (present < columns || whole != panel_bytes / columns) {
      std::memset(w, 0, static_cast<size_t>(panel_bytes));
    }
    for (int64_t k = 0; k < whole; k += 4) {
      for (int64_t c = 0; c < present; c++) {
        const uint32_t bytes = quad(codes + c * a.stride + k, 4);
        std::memcpy(w + k * columns + c * 4, &bytes, sizeof bytes);
      }
    }
    for (int64_t c = 0; c < present && whole < a.k; c++) {
      const uint32_t bytes = quad(codes + c * a.stride + whole, a.k - whole);
      std::memcpy(w + whole * columns + c * 4, &bytes, sizeof bytes);
    }
    for (int64_t c = 0; c < columns && a.w_sums != nullptr; c++) {
      a.w_sums[first + c] = c < present ? sum(codes + c * a.stride, a.k) : 0;
    }
  }
  return SINTER_OK;
}

}  // namespace sinter
