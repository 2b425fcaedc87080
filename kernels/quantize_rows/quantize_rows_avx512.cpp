#include "quantize_rows.h"
#include "rows/lanes_avx512.h"

SINTER_DEFINE_QUANTIZE_ROWS(avx512, Avx512)
