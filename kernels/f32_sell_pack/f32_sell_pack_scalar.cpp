// f32 weights, row-major, to the layout of f32_sell_gemm.h.
//
// Alignment: none. Over-read: none. Tails: columns past n have no weights.
#include <algorithm>

#include "gemm/gemm.h"

namespace sinter {

void f32_sell_pack_scalar(const sinter_block_pack_args &a) {
  const auto *const weights = static_cast<const float *>(a.weights);
  if (a.quads == nullptr) {
    a.starts[0] = 0;
  }
  for (int64_t panel = 0; panel < divide_up(a.n, panel_columns); panel++) {
    const int64_t first = panel * panel_columns;
    const int64_t columns = std::min(panel_columns, a.n - first);
    int64_t longest = 0;
    if (a.quads != nullptr) {
      const int64_t begin = panel_columns * a.starts[panel];
      const int64_t end = panel_columns * a.starts[panel + 1];
      std::fill(a.quads + begin, a.quads + end, uint16_t{0});
      std::fill(static_cast<float *>(a.w) + begin, static_cast<float *>(a.w) + end, 0.0f);
    }
    for (int64_t c = 0; c < columns; c++) {
      const float *const w = weights + (first + c) * a.stride;
      int64_t count = 0;
      int64_t last = 0;
      for (int64_t k = 0; k < a.k; k++) {
        if (w[k] != 0) {
          last = k;
          if (a.quads != nullptr) {
            const int64_t at = panel_columns * (a.starts[panel] + count) + c;
            a.quads[at] = static_cast<uint16_t>(k);
            static_cast<float *>(a.w)[at] = w[k];
          }
          count++;
        }
      }
      longest = std::max(longest, count);
      if (a.quads != nullptr) {
        for (int64_t step = a.starts[panel] + count; step < a.starts[panel + 1]; step++) {
          a.quads[panel_columns * step + c] = static_cast<uint16_t>(last);
        }
      }
    }
    if (a.quads == nullptr) {
      a.starts[panel + 1] = a.starts[panel] + longest;
    }
  }
}

}  // namespace sinter
