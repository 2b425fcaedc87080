// Attention with sixteen queries a vector; tails by lane masks.
#include <immintrin.h>

#include "attention.h"
#include "transpose_8x8.h"

namespace {

struct Avx512 : Transpose8x8 {
  using Float = __m512;
  static constexpr int width = 16;
  // 16 accumulators: enough to hide the latency of two multiply-adds a cycle.
  static constexpr int rows = 8;

  static Float zero() { return _mm512_setzero_ps(); }
  static Float broadcast(float v) { return _mm512_set1_ps(v); }

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static Float load(const float *p) { return _mm512_loadu_ps(p); }
  static Float load_tail(const float *p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float *p, Float v) { _mm512_storeu_ps(p, v); }
  static void store_tail(float *p, Float v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }

  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }

  static Float exponent_of(Float shifted) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23));
  }
  static Float unless_less(Float a, Float b, Float v) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ), v);
  }
};

}  // namespace

SINTER_DEFINE_ATTENTION(avx512, Avx512)
