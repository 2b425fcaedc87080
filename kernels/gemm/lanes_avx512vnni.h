// Sixteen columns in a zmm register, AVX512-VNNI; the vector operations that the gemm templates
// use. gemm.h says what each must do.
#ifndef SINTER_LANES_AVX512VNNI_H
#define SINTER_LANES_AVX512VNNI_H

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

struct Avx512Vnni {
  static constexpr int lanes = 16;
  // Of 32 registers int8 takes 24 for sums, 3 for weights and 1 for activations; int4 takes 12 for
  // integer and 12 for float sums, since storing the latter each step costs more than it saves. A
  // single row is bound by memory, which likes one stream best.
  struct Int8Tiles {
    static constexpr int rows = 8;
    static constexpr int panels(int r) { return r == 1 ? 1 : r == 8 ? 3 : 4; }
  };
  struct Int4Tiles {
    static constexpr int rows = 4;
    static constexpr int panels(int r) { return r == 1 ? 1 : 3; }
  };

  using Int = __m512i;
  using Float = __m512;
  using Bytes = __m512i;
  using Wide = __m512i;
  using Quad = __m512i;
  using WideQuad = __m512i;
  using Partial = __m512i;

  static Bytes load_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
  static void keep(Bytes &w) { __asm__("" : "+v"(w)); }
  static Wide widen(Bytes w) { return w; }
  static Bytes low_nibbles(Bytes w) { return _mm512_and_si512(w, _mm512_set1_epi8(15)); }
  static Bytes high_nibbles(Bytes w) {
    return _mm512_and_si512(_mm512_srli_epi16(w, 4), _mm512_set1_epi8(15));
  }
  static Quad broadcast_quad(const int8_t *p) {
    int32_t quad;
    std::memcpy(&quad, p, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
  static WideQuad broadcast_wide(const int8_t *p) { return broadcast_quad(p); }

  // GCC 12 copies the accumulator around _mm512_dpbusd_epi32, which halves the speed of a tile.
  static Int dot(Int sum, Wide w, WideQuad x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
  }
  static Partial begin(Int sum) { return sum; }
  static Partial dot_nibbles(Partial sum, Bytes w, Quad x) { return dot(sum, w, x); }
  static Int end(Int, Partial sum) { return sum; }

  static Int broadcast_int(int32_t v) { return _mm512_set1_epi32(v); }
  static Int load_int(const int32_t *p) { return _mm512_loadu_si512(p); }
  static Int load_widened(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
  }
  static Int add_int(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int multiply_int(Int a, Int b) { return _mm512_mullo_epi32(a, b); }

  static Float broadcast(float v) { return _mm512_set1_ps(v); }
  static Float to_float(Int v) { return _mm512_cvtepi32_ps(v); }
  static Float load(const float *p) { return _mm512_loadu_ps(p); }
  static Float load_half(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
  }
  static void store(float *p, Float v) { _mm512_storeu_ps(p, v); }
  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static Float load_tail(const float *p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_tail(float *p, Float v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }

  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm512_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Float absolute(Float v) { return _mm512_abs_ps(v); }
  static Float lookup(const float (&table)[16], Float n) {
    return _mm512_permutexvar_ps(_mm512_castps_si512(n), load(table));
  }
  static Float if_less(Float a, Float b, Float then, Float otherwise) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, then);
  }
  static Float add_to_exponent(Float v, Float n) {
    return _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_castps_si512(v), _mm512_slli_epi32(_mm512_castps_si512(n), 23)));
  }
};

}  // namespace

#endif
