#include "quantize_rows.h"
#include "rows/lanes_scalar.h"

SINTER_DEFINE_QUANTIZE_ROWS(scalar, Scalar)
