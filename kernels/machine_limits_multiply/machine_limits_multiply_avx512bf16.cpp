// Multiply-adds of AVX-512 BF16: vdpbf16ps on zmm.
#include <immintrin.h>

#include "machine_limits_multiply.h"

namespace {

struct Bf16 {
  using Vector = __m512;
  using Lane = float;
  static constexpr int products = 32;
  __m512i ones = _mm512_set1_epi16(0x3f80);
  void step(Vector &sum) const { __asm__("vdpbf16ps %1, %1, %0" : "+v"(sum) : "v"(ones)); }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avx512bf16, None, Bf16, None)
