// Floats as digits (digits.h), sixteen at a time. A float times a power of two is exact, or so far
// below 1/2 that nothing is left of it.
#ifndef SINTER_DIGITS_AVX512_H
#define SINTER_DIGITS_AVX512_H

#include <immintrin.h>

#include "weight_only_gemm/digits.h"

namespace {

struct DigitsAvx512 {
  static constexpr int rows = 1;
  static constexpr int vectors = 1;
  static constexpr int single_vectors = 1;

  static __m512i times_256(__m512i v) { return _mm512_slli_epi32(v, 8); }

  static void split(const float *x, int32_t factor, DigitBlock &block) {
    const __m512 a = _mm512_loadu_ps(x);
    const __m512 b = _mm512_loadu_ps(x + 16);
    const uint32_t magnitude = _mm512_reduce_max_epu32(_mm512_max_epu32(
        _mm512_castps_si512(_mm512_abs_ps(a)), _mm512_castps_si512(_mm512_abs_ps(b))));
    if (!is_finite_magnitude(magnitude)) {
      set_nan(block);
      return;
    }
    const int32_t exponent = digit_exponent(magnitude);
    const __m512i first = by_planes(a, exponent);
    const __m512i second = by_planes(b, exponent);
    _mm512_store_si512(block.quads, first);
    _mm512_store_si512(block.quads + 4, second);
    const __m512i one = _mm512_set1_epi8(1);
    const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(one, first),  //
                                           _mm512_maddubs_epi16(one, second));
    const __m512i quads = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
    const __m256i both =
        _mm256_add_epi32(_mm512_castsi512_si256(quads), _mm512_extracti64x4_epi64(quads, 1));
    int32_t sums[4];
    _mm_storeu_si128(
        reinterpret_cast<__m128i *>(sums),
        _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    describe_digits(exponent, factor, sums, block);
  }

 private:
  static __m512i by_planes(__m512 x, int32_t exponent) {
    const __m512 power = _mm512_set1_ps(static_cast<float>(149 - exponent));
    const __m512i bias = _mm512_set1_epi32(0x808080);
    const __m512i integers = _mm512_cvtps_epi32(_mm512_scalef_ps(x, power));
    const __m512i bytes = _mm512_xor_si512(_mm512_add_epi32(integers, bias), bias);
    return _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(_mm_setr_epi8(
                                          0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
  }
};

// The tile that vpdpbusd has registers for.
struct DigitsAvx512Vnni : DigitsAvx512 {
  static constexpr int rows = 2;
  static constexpr int vectors = 2;
};

}  // namespace

#endif
