// What int8_sell_gemm needs of eight columns in a ymm register, with VNNI or without.
#ifndef SINTER_SELL_LANES_256_H
#define SINTER_SELL_LANES_256_H

#include "gemm/lanes_avx2.h"

namespace {

template <class Lanes>
struct SellLanes256 : Lanes {
  struct SellTiles {
    static constexpr int rows = 4;
    static constexpr int panels(int) { return 1; }
  };
  using Places = __m256i;

  // A shuffle takes the low four bits of a byte, and zeroes it if the highest is set.
  static void places(const uint8_t *p, Places (&out)[2]) {
    const __m256i nibbles = Lanes::load_bytes(p);
    const __m256i low = _mm256_set1_epi8(15);
    out[0] = _mm256_and_si256(nibbles, low);
    out[1] = _mm256_and_si256(_mm256_srli_epi16(nibbles, 4), low);
  }
  static __m256i load_window(const int8_t *x) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(x)));
  }
};

}  // namespace

#endif
