// Sixteen values at a time. Tails by lane masks, whose masked-out memory is not touched. Bytes are
// narrowed in a register and then stored: the memory form of vpmovdb is microcoded on some CPUs.
#ifndef SINTER_ROWS_LANES_AVX512_H
#define SINTER_ROWS_LANES_AVX512_H

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

struct Avx512 {
  using Float = __m512;
  using Int = __m512i;
  static constexpr int width = 16;

  static Float zero() { return _mm512_setzero_ps(); }
  static Int zero_int() { return _mm512_setzero_si512(); }
  static Float broadcast(float v) { return _mm512_set1_ps(v); }
  static Int broadcast_int(int32_t v) { return _mm512_set1_epi32(v); }

  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static Float load(const float *p) { return _mm512_loadu_ps(p); }
  static Float load_tail(const float *p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static Float gather(const float *p, const int32_t *at) {
    return _mm512_i32gather_ps(_mm512_loadu_si512(at), p, 4);
  }
  static Float gather_tail(const float *p, const int32_t *at, int n) {
    const Int index = _mm512_maskz_loadu_epi32(first(n), at);
    return _mm512_mask_i32gather_ps(zero(), first(n), index, p, 4);
  }
  static void store(float *p, Float v) { _mm512_storeu_ps(p, v); }
  static void store_tail(float *p, Float v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static void store_bytes(uint8_t *p, Int q) {
    _mm_storeu_si128(reinterpret_cast<__m128i *>(p), _mm512_cvtepi32_epi8(q));
  }
  static void store_bytes_tail(uint8_t *p, Int q, int n) {
    _mm_mask_storeu_epi8(p, first(n), _mm512_cvtepi32_epi8(q));
  }

  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Int max_magnitude(Int a, Float v) {
    return _mm512_max_epi32(
        a, _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff)));
  }

  // Lanes from n on become 0.
  static Float keep(Float v, int n) { return _mm512_maskz_mov_ps(first(n), v); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Int round(Float v) { return _mm512_cvtps_epi32(v); }
  static Int add_int(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int clamp_int(Int v, Int lo, Int hi) {
    return _mm512_min_epi32(_mm512_max_epi32(v, lo), hi);
  }

  static float reduce_min(Float v) { return _mm512_reduce_min_ps(v); }
  static float reduce_max(Float v) { return _mm512_reduce_max_ps(v); }
  // Halves, then quarters and so on: the order of _mm512_reduce_add_ps is not specified.
  static float reduce_add(Float v) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static int32_t reduce_max_int(Int v) { return _mm512_reduce_max_epi32(v); }
  static int32_t reduce_add_int(Int v) { return _mm512_reduce_add_epi32(v); }
};

}  // namespace

#endif
