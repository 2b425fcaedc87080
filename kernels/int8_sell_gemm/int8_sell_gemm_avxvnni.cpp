// w8a8 matmul with unstructured sparse weights, eight columns at a time.
#include "int8_sell_gemm.h"
#include "sell_lanes_256.h"

namespace {

struct SellAvxVnni : SellLanes256<AvxVnni> {
  using Slots = __m256i;
  using Window = __m256i;

  static Slots slots(Bytes w) { return w; }
  static Window window(const int8_t *x) {
    return _mm256_xor_si256(load_window(x), _mm256_set1_epi8(-128));
  }
  static Int add_slots(Int sum, Slots w, Window x, Places places) {
    return dot(sum, _mm256_shuffle_epi8(x, places), w);
  }
  static Int complete(Int sum, Int, Int) { return sum; }
};

}  // namespace

namespace sinter {

void int8_sell_gemm_avxvnni(const sinter_block_gemm_args &args) { run_sell<SellAvxVnni>(args); }

}  // namespace sinter
