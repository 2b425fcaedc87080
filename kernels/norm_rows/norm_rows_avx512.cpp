#include "norm_rows.h"
#include "rows/lanes_avx512.h"

SINTER_DEFINE_NORM_ROWS(avx512, Avx512)
