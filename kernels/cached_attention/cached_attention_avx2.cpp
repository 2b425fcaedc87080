// Cached attention with eight tokens or elements a vector.
#include "cached_attention.h"
#include "rows/lanes_avx2.h"

namespace {

struct CachedAvx2 : Avx2 {
  // 8 accumulators, 2 vectors and a broadcast, of 16 registers.
  static constexpr int rows = 4;

  static Float to_float(Int v) { return _mm256_cvtepi32_ps(v); }
  static Float exponent_of(Float shifted) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
  }
  static Float unless_less(Float a, Float b, Float v) {
    return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ), v);
  }
  static Float copy_sign(Float magnitude, Float sign) {
    const Float bit = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
  }

  static Int widen_pairs(const int8_t *p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
  }
  static Int add_pair_products(Int sum, Int a, Int b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
  static void load_pairs(const uint16_t *p, Float *even, Float *odd) {
    const Int both = _mm256_loadu_si256(reinterpret_cast<const Int *>(p));
    *even = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
    *odd = _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(-65536)));
  }

  static Float load_value(const float *p) { return load(p); }
  static Float load_value(const uint16_t *p) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
  }
  static Float load_value(const int8_t *p) {
    const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(p));
    return to_float(_mm256_cvtepi8_epi32(v));
  }
};

}  // namespace

SINTER_DEFINE_CACHED_ATTENTION(avx2, CachedAvx2)
