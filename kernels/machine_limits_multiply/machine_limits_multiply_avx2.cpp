// Multiply-adds of AVX2: vfmadd on ymm, and int8 the way it is done without VNNI.
#include <immintrin.h>

#include "machine_limits_multiply.h"

namespace {

struct F32 {
  using Vector = __m256;
  using Lane = float;
  static constexpr int products = 8;
  Vector ones = _mm256_set1_ps(1);
  void step(Vector &sum) const { __asm__("vfmadd231ps %1, %1, %0" : "+x"(sum) : "x"(ones)); }
};

// Three instructions for 32 products. Large ones would saturate, so no kernel can be faster.
struct Int8 {
  using Vector = __m256i;
  using Lane = int32_t;
  static constexpr int products = 32;
  Vector bytes = _mm256_set1_epi8(1);
  Vector words = _mm256_set1_epi16(1);
  void step(Vector &sum) const {
    Vector pairs;
    __asm__("vpmaddubsw %2, %2, %1\n\tvpmaddwd %3, %1, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sum), "=&x"(pairs)
            : "x"(bytes), "x"(words));
  }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avx2, F32, None, Int8)
