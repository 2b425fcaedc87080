// Attention with eight queries a vector; tails by vmaskmovps, which does not touch masked-out
// memory.
#include <immintrin.h>

#include "attention.h"
#include "transpose_8x8.h"

namespace {

struct Avx2 : Transpose8x8 {
  using Float = __m256;
  static constexpr int width = 8;
  // 8 accumulators, 2 vectors and a broadcast, of 16 registers.
  static constexpr int rows = 4;

  static Float zero() { return _mm256_setzero_ps(); }
  static Float broadcast(float v) { return _mm256_set1_ps(v); }

  static __m256i first(int n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
  }
  static Float load(const float *p) { return _mm256_loadu_ps(p); }
  static Float load_tail(const float *p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float *p, Float v) { _mm256_storeu_ps(p, v); }
  static void store_tail(float *p, Float v, int n) { _mm256_maskstore_ps(p, first(n), v); }

  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }

  static Float exponent_of(Float shifted) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
  }
  static Float unless_less(Float a, Float b, Float v) {
    return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ), v);
  }
};

}  // namespace

SINTER_DEFINE_ATTENTION(avx2, Avx2)
