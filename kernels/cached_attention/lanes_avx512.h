// Sixteen tokens or elements a vector.
#ifndef SINTER_CACHED_ATTENTION_LANES_AVX512_H
#define SINTER_CACHED_ATTENTION_LANES_AVX512_H

#include "rows/lanes_avx512.h"

namespace {

struct CachedAvx512 : Avx512 {
  // 16 accumulators: enough to hide the latency of two multiply-adds a cycle.
  static constexpr int rows = 8;

  static Float to_float(Int v) { return _mm512_cvtepi32_ps(v); }
  static Float exponent_of(Float shifted) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23));
  }
  static Float unless_less(Float a, Float b, Float v) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ), v);
  }
  static Float copy_sign(Float magnitude, Float sign) {
    const Float bit = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign));
  }

  static Int widen_pairs(const int8_t *p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
  }
  static Int add_pair_products(Int sum, Int a, Int b) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
  }
  static void load_pairs(const uint16_t *p, Float *even, Float *odd) {
    const Int both = _mm512_loadu_si512(p);
    *even = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    *odd = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(-65536)));
  }

  static Float floats(__m256i bfloats) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bfloats), 16));
  }
  static Float load_value(const float *p) { return load(p); }
  static Float load_value(const uint16_t *p) {
    return floats(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
  }
  static Float load_value(const int8_t *p) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
    return to_float(_mm512_cvtepi8_epi32(v));
  }
  // 8 elements, then zeros.
  static Float load_half_value(const float *p) { return load_tail(p, 8); }
  static Float load_half_value(const uint16_t *p) {
    return floats(_mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p))));
  }
  static Float load_half_value(const int8_t *p) {
    const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(p));
    return to_float(_mm512_cvtepi8_epi32(v));
  }
};

}  // namespace

#endif
