// Row-major weights to the layout of f32_gemm.h; native/include/sinter.h says what it computes.
#include "sinter.h"

namespace sinter {

void f32_pack_scalar(const sinter_float_pack_args &a) {
  constexpr int64_t columns = SINTER_GEMM_PANEL;
  const auto *w = static_cast<const float *>(a.w);
  for (int64_t panel = a.panel_begin; panel < a.panel_end; panel++) {
    float *to = static_cast<float *>(a.packed) + panel * columns * a.k;
    for (int64_t column = 0; column < columns; column++) {
      const int64_t n = panel * columns + column;
      for (int64_t k = 0; k < a.k; k++) {
        to[k * columns + column] = n < a.n ? w[n * a.stride + k] : 0.0f;
      }
    }
  }
}

}  // namespace sinter
