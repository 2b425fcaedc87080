// Eight columns in a ymm register; the vector operations that the gemm templates use. gemm.h says
// what each must do.
#ifndef SINTER_LANES_AVX2_H
#define SINTER_LANES_AVX2_H

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

// What needs no VNNI.
struct Lanes256 {
  static constexpr int lanes = 8;
  static constexpr int block_rows = 4;

  // Of 16 registers 8 for sums.
  struct Int8Tiles {
    static constexpr int rows = 4;
    static constexpr int panels(int) { return 1; }
  };
  using NarrowTiles = Int8Tiles;
  // A single row has three panels so that no sum waits for its last product.
  struct F32Tiles {
    static constexpr int rows = 4;
    static constexpr int panels(int r) { return r == 1 ? 3 : r == 2 ? 2 : 1; }
  };
  using GateLanes = Lanes256;

  using Int = __m256i;
  using Float = __m256;
  using Bytes = __m256i;
  using Quad = __m256i;

  static Bytes load_bytes(const uint8_t *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
  }
  static void keep(Bytes &w) { __asm__("" : "+x"(w)); }
  static Bytes codes(Bytes w, int shift, int mask) {
    using Halves = uint16_t __attribute__((vector_size(32)));
    const auto halves = reinterpret_cast<Halves>(w);
    const auto moved = shift < 0 ? halves << -shift : halves >> shift;
    return _mm256_and_si256(reinterpret_cast<Bytes>(moved),
                            _mm256_set1_epi8(static_cast<char>(mask)));
  }
  static Bytes two_of_four(Bytes values, Bytes patterns, int quad) {
    // Where each byte of the quad comes from: 0 or 1, or nowhere.
    const __m256i table =
        _mm256_setr_epi32(static_cast<int>(0x80800100), static_cast<int>(0x80018000), 0x01808000,
                          static_cast<int>(0x80010080), 0x01800080, 0x01008080, 0, 0);
    const __m256i from = _mm256_permutevar8x32_epi32(table, _mm256_srli_epi32(patterns, 4 * quad));
    const __m256i first = _mm256_add_epi8(_mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c,
                                                            0, 0x04040404, 0x08080808, 0x0c0c0c0c),
                                          _mm256_set1_epi8(static_cast<char>(quad % 2 * 2)));
    return _mm256_shuffle_epi8(values, _mm256_or_si256(from, first));
  }
  // Eight loads: the instruction that gathers is slower on many CPUs.
  static Float gather(const float *p, const uint16_t *at) {
    return _mm256_setr_ps(p[at[0]], p[at[1]], p[at[2]], p[at[3]], p[at[4]], p[at[5]], p[at[6]],
                          p[at[7]]);
  }
  static Bytes add_bytes(Bytes a, Bytes b) { return _mm256_add_epi8(a, b); }
  static constexpr bool has_masks = false;
  static constexpr bool shuffles_rows = false;
  static Quad broadcast_quad(const int8_t *p) {
    int32_t quad;
    std::memcpy(&quad, p, sizeof quad);
    return _mm256_set1_epi32(quad);
  }

  static Int add_quads(Int sum, Bytes v) {
    const __m256i pairs = _mm256_maddubs_epi16(v, _mm256_set1_epi8(1));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  static Int broadcast_int(int32_t v) { return _mm256_set1_epi32(v); }
  static Int load_int(const int32_t *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
  }
  static Int load_widened(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(p)));
  }
  static Int add_int(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int subtract_int(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  static Int multiply_int(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
  static Int multiply_pairs(Int a, Int b) { return _mm256_madd_epi16(a, b); }
  static Int to_high_half(Int v) { return _mm256_slli_epi32(v, 16); }
  static Int low_half(Int v) { return _mm256_and_si256(v, broadcast_int(0xffff)); }
  static Int high_half(Int v) { return _mm256_srli_epi32(v, 16); }
  static Float or_bits(Int v, uint32_t bits) {
    return _mm256_castsi256_ps(_mm256_or_si256(v, broadcast_int(static_cast<int32_t>(bits))));
  }

  static Int load_bf16_pairs(const uint16_t *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
  }
  static Float first_bf16(Int v) { return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16)); }
  static Float second_bf16(Int v) {
    return _mm256_castsi256_ps(_mm256_and_si256(v, broadcast_int(-65536)));
  }

  static Float broadcast(float v) { return _mm256_set1_ps(v); }
  static Float to_float(Int v) { return _mm256_cvtepi32_ps(v); }
  static Float load(const float *p) { return _mm256_loadu_ps(p); }
  static Float load_half(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
  }
  static void store(float *p, Float v) { _mm256_storeu_ps(p, v); }
  static Int first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Float load_tail(const float *p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store_tail(float *p, Float v, int n) { _mm256_maskstore_ps(p, first(n), v); }

  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float divide(Float a, Float b) { return _mm256_div_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float absolute(Float v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
  static Float lookup(const float (&table)[16], Float n) {
    const __m256i i = _mm256_castps_si256(n);
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(load(table), i),
                            _mm256_permutevar8x32_ps(load(table + 8), i),
                            _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
  }
  static Float if_less(Float a, Float b, Float then, Float otherwise) {
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static Float add_to_exponent(Float v, Float n) {
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_castps_si256(v), _mm256_slli_epi32(_mm256_castps_si256(n), 23)));
  }
};

// vpmaddubsw saturates for bytes but not for nibbles: bytes go through 16 bits, even and odd ones
// apart, which keeps four products of a column in its 32-bit lane.
struct Avx2 : Lanes256 {
  struct Wide {
    __m256i even, odd;
  };
  using WideQuad = Wide;
  using Partial = __m256i;
  static constexpr bool planes_in_place = false;
  static constexpr bool adds_up = false;  // instructions are the limit, not memory

  // A single row has two panels to use its activations for: broadcasting and widening them costs
  // half of what multiplying does.
  struct Int8Tiles {
    static constexpr int rows = 4;
    static constexpr int panels(int r) { return r == 1 ? 2 : 1; }
  };
  using NarrowTiles = Int8Tiles;

  static Wide widen(Bytes w) {
    return {_mm256_and_si256(w, _mm256_set1_epi16(255)), _mm256_srli_epi16(w, 8)};
  }
  static WideQuad widen_signed(Bytes x) {
    return {_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), _mm256_srai_epi16(x, 8)};
  }
  static WideQuad broadcast_wide(const int8_t *p) { return widen_signed(broadcast_quad(p)); }
  static Int dot(Int sum, Wide w, WideQuad x) {
    sum = add_int(sum, _mm256_madd_epi16(w.even, x.even));
    return add_int(sum, _mm256_madd_epi16(w.odd, x.odd));
  }

  // 16-bit sums of a block: 8 quads of two products each, |15 * 128| * 16 = 30720.
  static Partial begin(Int) { return _mm256_setzero_si256(); }
  static Partial dot_narrow(Partial sum, Bytes w, Quad x) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
  }
  static Int end(Int sum, Partial block) {
    return add_int(sum, _mm256_madd_epi16(block, _mm256_set1_epi16(1)));
  }
};

// The VEX form of vpdpbusd, for CPUs without AVX-512. Tests on CPUs that have the EVEX form only
// define SINTER_VNNI256_PREFIX to have that.
#ifndef SINTER_VNNI256_PREFIX
#define SINTER_VNNI256_PREFIX "%{vex%} "
#endif

struct AvxVnni : Lanes256 {
  using Wide = __m256i;
  using WideQuad = __m256i;
  using Partial = __m256i;
  static constexpr bool planes_in_place = true;
  static constexpr bool adds_up = true;

  static Int shift_right(Int v, int n) {
    using Ints = int32_t __attribute__((vector_size(32)));
    const auto ints = reinterpret_cast<Ints>(v);
    return reinterpret_cast<Int>(n < 0 ? ints << -n : ints >> n);
  }
  static Wide widen(Bytes w) { return w; }
  static WideQuad widen_signed(Bytes w) { return w; }
  static WideQuad broadcast_wide(const int8_t *p) { return broadcast_quad(p); }
  static Int dot(Int sum, Wide w, WideQuad x) {
    __asm__(SINTER_VNNI256_PREFIX "vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(w), "x"(x));
    return sum;
  }
  static Partial begin(Int sum) { return sum; }
  static Partial dot_narrow(Partial sum, Bytes w, Quad x) { return dot(sum, w, x); }
  static Int end(Int, Partial sum) { return sum; }
};

}  // namespace

#endif
