// w8a8 matmul with unstructured sparse weights, sixteen columns at a time.
#include "gemm/lanes_avx512vnni.h"
#include "int8_sell_gemm.h"

namespace {

struct SellAvx512Vnni : Avx512Vnni {
  struct SellTiles {
    static constexpr int rows = 8;
    static constexpr int panels(int) { return 1; }
  };
  using Places = __m512i;
  using Slots = __m512i;
  using Window = __m512i;

  static void places(const uint8_t *p, Places (&out)[1]) {
    const __m256i nibbles = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
    const __m512i both =
        _mm512_inserti64x4(_mm512_castsi256_si512(nibbles), _mm256_srli_epi16(nibbles, 4), 1);
    out[0] = _mm512_and_si512(both, _mm512_set1_epi8(15));
  }
  static Slots slots(Bytes w) { return w; }
  static Window window(const int8_t *x) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(x));
    return _mm512_xor_si512(_mm512_broadcast_i32x4(codes), _mm512_set1_epi8(-128));
  }
  static Int add_slots(Int sum, Slots w, Window x, Places places) {
    return dot(sum, _mm512_shuffle_epi8(x, places), w);
  }
  static Int complete(Int sum, Int, Int) { return sum; }
};

}  // namespace

namespace sinter {

void int8_sell_gemm_avx512vnni(const sinter_block_gemm_args &args) {
  run_sell<SellAvx512Vnni>(args);
}

}  // namespace sinter
