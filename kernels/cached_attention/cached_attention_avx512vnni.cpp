// Cached attention with sixteen tokens or elements a vector, and 16-bit products added up by one
// instruction.
#include "cached_attention.h"
#include "lanes_avx512.h"

namespace {

struct CachedAvx512Vnni : CachedAvx512 {
  static Int add_pair_products(Int sum, Int a, Int b) { return _mm512_dpwssd_epi32(sum, a, b); }
};

}  // namespace

SINTER_DEFINE_CACHED_ATTENTION(avx512vnni, CachedAvx512Vnni)
