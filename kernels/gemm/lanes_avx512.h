// Sixteen columns in a zmm register; the vector operations that the gemm templates use. gemm.h says
// what each must do.
#ifndef SINTER_LANES_AVX512_H
#define SINTER_LANES_AVX512_H

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "gemm/lanes_avx2.h"

namespace {

// What needs no VNNI.
struct Avx512 {
  static constexpr int lanes = 16;
  static constexpr int block_rows = 16;
  // Of 32 registers 24 for sums, 3 for weights and 1 for activations. A single row has four panels
  // so that no sum waits for its last product.
  struct F32Tiles {
    static constexpr int rows = 8;
    static constexpr int panels(int) { return 3; }
  };
  using GateLanes = Lanes256;

  using Int = __m512i;
  using Float = __m512;
  using Bytes = __m512i;
  using Quad = __m512i;
  using Partial = __m512i;

  static Bytes load_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
  static Float gather(const float *p, const uint16_t *at) {
    const __m256i places = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at));
    return _mm512_i32gather_ps(_mm512_cvtepu16_epi32(places), p, 4);
  }
  static Bytes codes(Bytes w, int shift, int mask) {
    using Halves = uint16_t __attribute__((vector_size(64)));
    const auto halves = reinterpret_cast<Halves>(w);
    const auto moved = shift < 0 ? halves << -shift : halves >> shift;
    return _mm512_and_si512(reinterpret_cast<Bytes>(moved),
                            _mm512_set1_epi8(static_cast<char>(mask)));
  }
  static Quad broadcast_quad(const int8_t *p) {
    int32_t quad;
    std::memcpy(&quad, p, sizeof quad);
    return _mm512_set1_epi32(quad);
  }

  // All lanes for a negative number, else none.
  static constexpr bool has_masks = true;
  static __mmask16 mask(int64_t v) { return static_cast<__mmask16>(v >> 63); }
  static Int add_unless(__mmask16 mask, Int a, Int b) {
    return _mm512_mask_add_epi32(a, _knot_mask16(mask), a, b);
  }
  static Float fma_where(__mmask16 mask, Float a, Float b, Float c) {
    return _mm512_mask3_fmadd_ps(a, b, c, mask);
  }

  // Four rows of a quad or k, in each 128 bits, and one of them.
  static constexpr bool shuffles_rows = true;
  static Quad load_four(const int8_t *p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
  }
  static Float load_four(const float *p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
  // Of the compiler's own shuffles GCC 12 has the last one overwrite v, and runs out of registers.
  template <int i>
  static Quad of_four(Quad v) {
    Quad one;
    __asm__("vpshufd %2, %1, %0" : "=&v"(one) : "v"(v), "i"(0x55 * i));
    return one;
  }
  template <int i>
  static Float of_four(Float v) {
    Float one;
    __asm__("vpermilps %2, %1, %0" : "=&v"(one) : "v"(v), "i"(0x55 * i));
    return one;
  }

  // 16-bit sums of a block, as in lanes_avx2.h.
  static Partial begin(Int) { return _mm512_setzero_si512(); }
  static Partial dot_narrow(Partial sum, Bytes w, Quad x) {
    return _mm512_add_epi16(sum, _mm512_maddubs_epi16(w, x));
  }
  static Int end(Int sum, Partial block) {
    return add_int(sum, _mm512_madd_epi16(block, _mm512_set1_epi16(1)));
  }

  static Int broadcast_int(int32_t v) { return _mm512_set1_epi32(v); }
  static Int load_int(const int32_t *p) { return _mm512_loadu_si512(p); }
  static Int load_widened(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
  }
  static Int add_int(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  static Int multiply_int(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
  static Int multiply_pairs(Int a, Int b) { return _mm512_madd_epi16(a, b); }
  static Int to_high_half(Int v) { return _mm512_slli_epi32(v, 16); }
  static Int low_half(Int v) { return _mm512_and_si512(v, broadcast_int(0xffff)); }
  static Int high_half(Int v) { return _mm512_srli_epi32(v, 16); }
  static Float or_bits(Int v, uint32_t bits) {
    return _mm512_castsi512_ps(_mm512_or_si512(v, broadcast_int(static_cast<int32_t>(bits))));
  }

  static Int load_bf16_pairs(const uint16_t *p) { return _mm512_loadu_si512(p); }
  static Float first_bf16(Int v) { return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16)); }
  static Float second_bf16(Int v) {
    return _mm512_castsi512_ps(_mm512_and_si512(v, broadcast_int(-65536)));
  }

  static Float broadcast(float v) { return _mm512_set1_ps(v); }
  static Float to_float(Int v) { return _mm512_cvtepi32_ps(v); }
  static Float load(const float *p) { return _mm512_loadu_ps(p); }
  static Float load_half(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
  }
  static void store(float *p, Float v) { _mm512_storeu_ps(p, v); }
  static __m256 first_half(Float v) { return _mm512_castps512_ps256(v); }
  static __m256 second_half(Float v) { return _mm512_extractf32x8_ps(v, 1); }
  static Float from_halves(__m256 a, __m256 b) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(a), b, 1);
  }
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
