// w8a8 matmul with unstructured sparse weights, one column at a time: what the other variants must
// equal.
#include "gemm/lanes_scalar.h"
#include "int8_sell_gemm.h"

namespace {

struct SellScalar : Scalar {
  using SellTiles = Int8Tiles;
  using Places = uint16_t;  // four nibbles
  using Slots = Bytes;
  using Window = const int8_t *;

  static void places(const uint8_t *p, Places (&out)[panel_columns]) {
    for (int64_t c = 0; c < panel_columns; c++) {
      out[c] = 0;
      for (int64_t slot = 0; slot < 4; slot++) {
        const int place = p[c % 8 * 4 + slot] >> (c / 8 * 4) & 15;
        out[c] = static_cast<Places>(out[c] | place << (4 * slot));
      }
    }
  }
  static Slots slots(Bytes w) { return w; }
  static Window window(const int8_t *x) { return x; }
  static Int add_slots(Int sum, Slots w, Window x, Places places) {
    Bytes codes = 0;
    for (int slot = 0; slot < 4; slot++) {
      const auto code = static_cast<uint8_t>(x[places >> (4 * slot) & 15] + 128);
      codes |= static_cast<Bytes>(code) << (8 * slot);
    }
    return dot(sum, codes, w);
  }
  static Int complete(Int sum, Int, Int) { return sum; }
};

}  // namespace

namespace sinter {

void int8_sell_gemm_scalar(const sinter_block_gemm_args &args) { run_sell<SellScalar>(args); }

}  // namespace sinter
