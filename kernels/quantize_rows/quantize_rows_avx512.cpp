// Row-wise 8-bit quantization, sixteen values at a time. Tails by lane masks, whose masked-out
// memory is not touched. The bytes are narrowed in a register and then stored: the memory form of
// vpmovdb is microcoded on some CPUs.
#include <immintrin.h>

#include "quantize_rows.h"

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

  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Int round(Float v) { return _mm512_cvtps_epi32(v); }
  static Int add_int(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int clamp_int(Int v, Int lo, Int hi) {
    return _mm512_min_epi32(_mm512_max_epi32(v, lo), hi);
  }

  static float reduce_min(Float v) { return _mm512_reduce_min_ps(v); }
  static float reduce_max(Float v) { return _mm512_reduce_max_ps(v); }
  static int32_t reduce_max_int(Int v) { return _mm512_reduce_max_epi32(v); }
  static int32_t reduce_add_int(Int v) { return _mm512_reduce_add_epi32(v); }
};

}  // namespace

SINTER_DEFINE_QUANTIZE_ROWS(avx512, Avx512)
