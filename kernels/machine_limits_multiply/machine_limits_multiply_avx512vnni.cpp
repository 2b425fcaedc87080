// Multiply-adds of AVX-512 VNNI: vpdpbusd on zmm.
#include <immintrin.h>

#include "machine_limits_multiply.h"

namespace {

struct Int8 {
  using Vector = __m512i;
  using Lane = int32_t;
  static constexpr int products = 64;
  Vector ones = _mm512_set1_epi8(1);
  void step(Vector &sum) const { __asm__("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(ones)); }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avx512vnni, None, None, Int8)
