// Reads memory 64 bytes at a time.
#include <immintrin.h>

#include "machine_limits_read.h"

namespace {

struct Avx512 {
  using Words = __m512i;
  static Words add(Words sum, const uint8_t *p) {
    return _mm512_add_epi64(sum, _mm512_load_si512(p));
  }
};

}  // namespace

SINTER_DEFINE_MACHINE_LIMITS_READ(avx512, Avx512)
