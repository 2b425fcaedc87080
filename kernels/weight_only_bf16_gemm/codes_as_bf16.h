// Codes as pairs of bfloat16, for vdpbf16ps; the Codes of weight_only_bf16_gemm.h.
//
// A nibble is looked up: of 16-bit lanes vpermw takes the low 5 bits for a place in a table, which
// holds -8 to 7 twice, so that what is above a nibble does no harm, or for zero points -16 to 15,
// since 16 more than the difference is 1 to 31. A byte is too long for that: it goes into the
// lowest bits of 2^23 and becomes a float by a subtraction, whose upper half is all of it.
#ifndef SINTER_CODES_AS_BF16_H
#define SINTER_CODES_AS_BF16_H

#include "gemm/lanes_avx512bf16.h"
#include "weight_only_bf16_gemm/weight_only_bf16_gemm.h"

namespace {

// Bytes 0 and 2 of each four: where bytes `from` and `from` + 1 of them go, before zeros.
inline __m512i spread_bytes(int from) {
  const uint32_t places = 0x80008000u + 0x00010000u + static_cast<uint32_t>(from) * 0x10001u;
  return _mm512_add_epi32(_mm512_set1_epi32(static_cast<int32_t>(places)),
                          _mm512_set4_epi32(0x000c000c, 0x00080008, 0x00040004, 0));
}

struct CodesAsBf16 {
  using Lanes = Avx512Bf16;
  using Float = __m512;
  using Pair = __m512i;
  using Inputs = __m512i;
  struct Tiles {
    static constexpr int rows = 8;
    static constexpr int panels(int r) { return r >= 4 ? 3 : 6; }
  };

  static Inputs broadcast(const uint16_t *x) {
    int32_t both;
    std::memcpy(&both, x, sizeof both);
    return _mm512_set1_epi32(both);
  }
  static Float dot(Float sum, Pair w, Inputs x) { return Lanes::dot_bf16(sum, w, x); }
};

// bfloat16 values from `low` up, in all 32 lanes, beginning again after `count`.
template <int low, int count>
struct Bf16Table {
  alignas(64) uint16_t values[32];

  constexpr Bf16Table() : values() {
    for (int i = 0; i < 32; i++) {
      values[i] = bf16(low + i % count);
    }
  }

  static constexpr uint16_t bf16(int v) {
    const int magnitude = v < 0 ? -v : v;
    int exponent = 0;
    while (magnitude >> (exponent + 1) != 0) {
      exponent++;
    }
    const int image = (exponent + 127) * 128 + (magnitude * 128 >> exponent) - 128;
    return static_cast<uint16_t>(magnitude == 0 ? 0 : image + (v < 0 ? 0x8000 : 0));
  }
};

template <bool zero_points>
struct NibblesAsBf16 : CodesAsBf16 {
  using Step = CodesStep<4>;
  static constexpr int bits = 4;
  static constexpr Bf16Table<zero_points ? -16 : -8, zero_points ? 32 : 16> table{};

  using Center = __m512i;  // 16 less the zero point, in 16-bit lanes

  static Center center(const uint8_t *centers) {
    if (!zero_points) {
      return _mm512_setzero_si512();
    }
    const __m512i more = _mm512_sub_epi32(_mm512_set1_epi32(16), Lanes::load_widened(centers));
    return _mm512_or_si512(more, _mm512_slli_epi32(more, 16));
  }

  static Pair load(const uint8_t *line, int pair, const Center &center) {
    __m512i place = _mm512_shuffle_epi8(_mm512_loadu_si512(line), spread_bytes(Step::byte(pair)));
    if (Step::upper_nibble(pair)) {
      place = _mm512_srli_epi16(place, 4);
    } else if (zero_points) {
      place = _mm512_and_si512(place, _mm512_set1_epi16(15));
    }
    if (zero_points) {
      place = _mm512_add_epi16(place, center);
    }
    return _mm512_permutexvar_epi16(place, _mm512_load_si512(table.values));
  }
};

struct BytesAsBf16 : CodesAsBf16 {
  using Step = CodesStep<8>;
  static constexpr int bits = 8;

  using Center = __m512;  // the zero point

  static Center center(const uint8_t *zero_points) {
    return zero_points == nullptr ? _mm512_set1_ps(128)
                                  : Lanes::to_float(Lanes::load_widened(zero_points));
  }

  static Pair load(const uint8_t *line, int pair, const Center &center) {
    const __m512i codes = _mm512_loadu_si512(line);
    const __m512i first = value(codes, Step::byte(pair), center);
    const __m512i second = value(codes, Step::byte(pair) + 1, center);
    const __m512i upper = _mm512_add_epi32(_mm512_set1_epi32(0x00000302),
                                           _mm512_set4_epi32(0x0c0c, 0x0808, 0x0404, 0));
    return _mm512_mask_shuffle_epi8(second, 0x3333333333333333, first, upper);
  }

 private:
  static __m512i value(__m512i codes, int byte, const Center &center) {
    const __m512i from = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(0x80808000u) + byte),
                                          _mm512_set4_epi32(12, 8, 4, 0));
    const __m512 code = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(codes, from));
    return _mm512_castps_si512(_mm512_sub_ps(code, center));
  }
};

}  // namespace

#endif
