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

// Products of bytes, added up as 16 bits for 256 of them and only then widened, as the kernels for
// 4-bit weights do. Large bytes would saturate, so no kernel can be faster.
struct Int8 {
  using Vector = __m256i;
  using Lane = int32_t;
  static constexpr int products = 256;
  Vector bytes = _mm256_set1_epi8(1);
  Vector words = _mm256_set1_epi16(1);
  void step(Vector &sum) const {
    Vector all, pairs;
    // volatile: nothing of it depends on the sum, and would be done once for all rounds.
    __asm__ volatile("vpmaddubsw %1, %1, %0" : "=x"(all) : "x"(bytes));
    for (int i = 1; i < 8; i++) {
      __asm__ volatile("vpmaddubsw %2, %2, %1\n\tvpaddw %1, %0, %0"
                       : "+x"(all), "=&x"(pairs)
                       : "x"(bytes));
    }
    __asm__("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "+x"(all) : "x"(words));
  }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(avx2, F32, None, Int8)
