// Sixteen columns in a zmm register, AVX512-BF16; the vector operations that the gemm templates
// use. gemm.h says what each must do.
#ifndef SINTER_LANES_AVX512BF16_H
#define SINTER_LANES_AVX512BF16_H

#include <immintrin.h>

#include "gemm/lanes_avx512.h"

namespace {

struct Avx512Bf16 : Avx512 {
  // Of 32 registers 24 for sums, 3 or 6 for weights and 1 for activations. vpdpbf16ps takes six
  // cycles or so, two of them a cycle: fewer rows need more panels, so that no sum waits.
  struct F32Tiles {
    static constexpr int rows = 8;
    static constexpr int panels(int r) { return r == 8 ? 3 : 6; }
  };

  // Sums take both products of a pair, the second first.
  static Float dot_bf16(Float sum, Int w, Int x) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
};

}  // namespace

#endif
