// Multiply-adds of AVX-VNNI: vpdpbusd on ymm, in the encoding for CPUs that lack AVX-512.
#include <immintrin.h>

#include "machine_limits_multiply.h"

namespace {

struct Int8 {
  using Vector = __m256i;
  using Lane = int32_t;
  static constexpr int products = 32;
  Vector ones = _mm256_set1_epi8(1);
  void step(Vector &sum) const { __asm__("%{vex%} vpdpbusd %1, %1, %0" : "+x"(sum) : "x"(ones)); }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avxvnni, None, None, Int8)
