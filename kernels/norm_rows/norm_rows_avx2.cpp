#include "norm_rows.h"
#include "rows/lanes_avx2.h"

SINTER_DEFINE_NORM_ROWS(avx2, Avx2)
