// Sums of activation codes, as GCC vectorizes them for AVX2.
#include "group_sums.h"

SINTER_DEFINE_GROUP_SUMS(avx2)
