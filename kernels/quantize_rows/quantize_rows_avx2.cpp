#include "quantize_rows.h"
#include "rows/lanes_avx2.h"

SINTER_DEFINE_QUANTIZE_ROWS(avx2, Avx2)
