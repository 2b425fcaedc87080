// w8a8 matmul with unstructured sparse weights, eight columns at a time, without VNNI.
#include "int8_sell_gemm.h"
#include "sell_lanes_256.h"

namespace {

// vpmaddubsw would saturate for unsigned activations. It does not for signed ones and the
// magnitudes of weights, 2 * 128 * -128 being the furthest; where a weight is negative, its
// activation x is turned into -1 - x, which is in range for all x, and makes the sum too low by the
// magnitude.
struct SellAvx2 : SellLanes256<Avx2> {
  struct Slots {
    __m256i magnitudes, negative;
  };
  using Window = __m256i;

  static Slots slots(Bytes w) {
    return {_mm256_abs_epi8(w), _mm256_cmpgt_epi8(_mm256_setzero_si256(), w)};
  }
  static Window window(const int8_t *x) { return load_window(x); }
  static Int add_slots(Int sum, const Slots &w, Window x, Places places) {
    const __m256i codes = _mm256_xor_si256(_mm256_shuffle_epi8(x, places), w.negative);
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitudes, codes);
    return add_int(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Int complete(Int sum, Int negative, Int all) {
    return add_int(subtract_int(sum, negative), _mm256_slli_epi32(all, 7));
  }
};

}  // namespace

namespace sinter {

void int8_sell_gemm_avx2(const sinter_block_gemm_args &args) { run_sell<SellAvx2>(args); }

}  // namespace sinter
