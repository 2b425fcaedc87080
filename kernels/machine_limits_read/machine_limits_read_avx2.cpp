// Reads memory 32 bytes at a time.
#include <immintrin.h>

#include "machine_limits_read.h"

namespace {

struct Avx2 {
  using Words = __m256i;
  static Words add(Words sum, const uint8_t *p) {
    return _mm256_add_epi64(sum, _mm256_load_si256(reinterpret_cast<const Words *>(p)));
  }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_READ(avx2, Avx2)
