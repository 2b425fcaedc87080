// Row-major weights to the layout of bf16_gemm.h; native/include/sinter.h says what it computes.
#include "sinter.h"

namespace sinter {

void bf16_pack_scalar(const sinter_float_pack_args &a) {
  constexpr int64_t columns = SINTER_GEMM_PANEL;
  const int64_t padded = (a.k + 1) / 2 * 2;
  const auto *w = static_cast<const uint16_t *>(a.w);
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    uint16_t *to = static_cast<uint16_t *>(a.packed) + panel * columns * padded;
    for (int64_t column = 0; column < columns; column++) {
      const int64_t n = panel * columns + column;
      for (int64_t k = 0; k < padded; k++) {
        to[(k / 2 * columns + column) * 2 + k % 2] =
            n < a.n && k < a.k ? w[n * a.stride + k] : uint16_t{0};
      }
    }
  }
}

}  // namespace sinter
