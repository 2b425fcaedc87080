// Cached attention with sixteen tokens or elements a vector.
#include "cached_attention.h"
#include "lanes_avx512.h"

SINTER_DEFINE_CACHED_ATTENTION(avx512, CachedAvx512)
