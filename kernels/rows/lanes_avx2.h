// Eight values at a time. A tail is loaded by vmaskmovps and gathered by a masked vgatherdps, which
// do not touch masked-out memory; its bytes are stored one by one.
#ifndef SINTER_ROWS_LANES_AVX2_H
#define SINTER_ROWS_LANES_AVX2_H

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

struct Avx2 {
  using Float = __m256;
  using Int = __m256i;
  static constexpr int width = 8;

  static Float zero() { return _mm256_setzero_ps(); }
  static Int zero_int() { return _mm256_setzero_si256(); }
  static Float broadcast(float v) { return _mm256_set1_ps(v); }
  static Int broadcast_int(int32_t v) { return _mm256_set1_epi32(v); }

  static Float load(const float *p) { return _mm256_loadu_ps(p); }
  static Int first(int n) {
    const Int lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
  }
  static Float load_tail(const float *p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static Float gather(const float *p, const int32_t *at) {
    return _mm256_i32gather_ps(p, _mm256_loadu_si256(reinterpret_cast<const Int *>(at)), 4);
  }
  static Float gather_tail(const float *p, const int32_t *at, int n) {
    const Int mask = first(n);
    return _mm256_mask_i32gather_ps(zero(), p, _mm256_maskload_epi32(at, mask),
                                    _mm256_castsi256_ps(mask), 4);
  }
  static void store(float *p, Float v) { _mm256_storeu_ps(p, v); }
  static void store_tail(float *p, Float v, int n) { _mm256_maskstore_ps(p, first(n), v); }
  static int64_t low_bytes(Int q) {
    const Int first = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                       0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const Int bytes = _mm256_shuffle_epi8(q, first);
    return _mm_cvtsi128_si64(
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
  }
  static void store_bytes(uint8_t *p, Int q) {
    const int64_t bytes = low_bytes(q);
    std::memcpy(p, &bytes, sizeof bytes);
  }
  static void store_bytes_tail(uint8_t *p, Int q, int n) {
    const int64_t bytes = low_bytes(q);
    for (int i = 0; i < n; i++) {
      p[i] = static_cast<uint8_t>(bytes >> (8 * i));
    }
  }

  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Int max_magnitude(Int a, Float v) {
    return _mm256_max_epi32(
        a, _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff)));
  }

  // Lanes from n on become 0.
  static Float keep(Float v, int n) { return _mm256_and_ps(v, _mm256_castsi256_ps(first(n))); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Int round(Float v) { return _mm256_cvtps_epi32(v); }
  static Int add_int(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int clamp_int(Int v, Int lo, Int hi) {
    return _mm256_min_epi32(_mm256_max_epi32(v, lo), hi);
  }

  static float reduce_min(Float v) {
    __m128 m = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_min_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_min_ss(m, _mm_movehdup_ps(m)));
  }
  static float reduce_max(Float v) {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
  }
  // Halves, then quarters, then pairs.
  static float reduce_add(Float v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static int32_t reduce_max_int(Int v) {
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
  }
  static int32_t reduce_add_int(Int v) {
    __m128i m = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_add_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(m, _mm_shuffle_epi32(m, 0xb1)));
  }
};

}  // namespace

#endif
