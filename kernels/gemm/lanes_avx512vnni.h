// Sixteen columns in a zmm register, AVX512-VNNI; the vector operations that the gemm templates
// use. gemm.h says what each must do.
#ifndef SINTER_LANES_AVX512VNNI_H
#define SINTER_LANES_AVX512VNNI_H

#include <immintrin.h>

#include <cstdint>

#include "gemm/lanes_avx512.h"

namespace {

struct Avx512Vnni : Avx512 {
  // Of 32 registers int8 takes 24 for sums, 3 for weights and 1 for activations; int4 takes 12 for
  // integer and 12 for float sums, since storing the latter each step costs more than it saves.
  struct Int8Tiles {
    static constexpr int rows = 8;
    static constexpr int panels(int r) { return r == 1 ? 1 : r == 2 || r == 4 ? 4 : 3; }
  };
  struct NarrowTiles {
    static constexpr int rows = 4;
    static constexpr int panels(int r) { return r == 1 ? 1 : 3; }
  };

  using Wide = __m512i;
  using WideQuad = __m512i;

  static constexpr bool planes_in_place = true;
  static constexpr bool adds_up = true;

  static void keep(Bytes &w) { __asm__("" : "+v"(w)); }
  static Wide widen(Bytes w) { return w; }
  static WideQuad widen_signed(Bytes w) { return w; }
  static Bytes two_of_four(Bytes values, Bytes patterns, int quad) {
    // Where each byte of the quad comes from: 0 or 1, or nowhere.
    const __m512i table = _mm512_setr_epi32(
        static_cast<int>(0x80800100), static_cast<int>(0x80018000), 0x01808000,
        static_cast<int>(0x80010080), 0x01800080, 0x01008080, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i from = _mm512_permutexvar_epi32(_mm512_srli_epi32(patterns, 4 * quad), table);
    const __m512i column = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    const __m512i first =
        _mm512_or_si512(column, _mm512_set1_epi8(static_cast<char>(quad % 2 * 2)));
    return _mm512_shuffle_epi8(values, _mm512_or_si512(from, first));
  }
  static WideQuad broadcast_wide(const int8_t *p) { return broadcast_quad(p); }

  static Bytes add_bytes(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
  static Int add_quads(Int sum, Bytes v) { return dot(sum, v, _mm512_set1_epi8(1)); }
  static Int shift_right(Int v, int n) {
    using Ints = int32_t __attribute__((vector_size(64)));
    const auto ints = reinterpret_cast<Ints>(v);
    return reinterpret_cast<Int>(n < 0 ? ints << -n : ints >> n);
  }

  // GCC 12 copies the accumulator around _mm512_dpbusd_epi32, which halves the speed of a tile.
  static Int dot(Int sum, Wide w, WideQuad x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
  }
  static Partial begin(Int sum) { return sum; }
  static Partial dot_narrow(Partial sum, Bytes w, Quad x) { return dot(sum, w, x); }
  static Int end(Int, Partial sum) { return sum; }
};

}  // namespace

#endif
