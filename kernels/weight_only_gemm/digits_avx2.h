// Floats as digits (digits.h), eight at a time. A float times a power of two is exact, or so far
// below 1/2 that nothing is left of it; the power itself may be none of a float, its halves are.
#ifndef SINTER_DIGITS_AVX2_H
#define SINTER_DIGITS_AVX2_H

#include <immintrin.h>

#include "weight_only_gemm/digits.h"

namespace {

struct DigitsAvx2 {
  static constexpr int rows = 1;
  static constexpr int vectors = 2;
  static constexpr int single_vectors = 2;

  static __m256i times_256(__m256i v) { return _mm256_slli_epi32(v, 8); }

  static void split(const float *x, int32_t factor, DigitBlock &block) {
    __m256 values[4];
    __m256i largest = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
      values[i] = _mm256_loadu_ps(x + 8 * i);
      const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), values[i]);
      largest = _mm256_max_epu32(largest, _mm256_castps_si256(magnitude));
    }
    const uint32_t magnitude = maximum(largest);
    if (!is_finite_magnitude(magnitude)) {
      set_nan(block);
      return;
    }
    const int32_t exponent = digit_exponent(magnitude);
    const __m256 half = power((149 - exponent) / 2);
    const __m256 rest = power(149 - exponent - (149 - exponent) / 2);
    const __m256i bias = _mm256_set1_epi32(0x808080);
    const __m256i by_planes = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m256i pairs = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
      const __m256i integers =
          _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_mul_ps(values[i], half), rest));
      const __m256i bytes = _mm256_xor_si256(_mm256_add_epi32(integers, bias), bias);
      const __m256i digits = _mm256_shuffle_epi8(bytes, by_planes);
      _mm256_store_si256(reinterpret_cast<__m256i *>(block.quads + 2 * i), digits);
      pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(_mm256_set1_epi8(1), digits));
    }
    const __m256i both = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    int32_t sums[4];
    _mm_storeu_si128(
        reinterpret_cast<__m128i *>(sums),
        _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    describe_digits(exponent, factor, sums, block);
  }

 private:
  static __m256 power(int32_t exponent) {
    return _mm256_castsi256_ps(_mm256_set1_epi32((127 + exponent) << 23));
  }

  static uint32_t maximum(__m256i v) {
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(half));
  }
};

}  // namespace

#endif
