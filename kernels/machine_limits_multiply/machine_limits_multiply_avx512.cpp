// Multiply-adds of AVX-512: vfmadd on zmm.
#include <immintrin.h>

#include "machine_limits_multiply.h"

namespace {

struct F32 {
  using Vector = __m512;
  using Lane = float;
  static constexpr int products = 16;
  Vector ones = _mm512_set1_ps(1);
  void step(Vector &sum) const { __asm__("vfmadd231ps %1, %1, %0" : "+v"(sum) : "v"(ones)); }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avx512, F32, None, None)
