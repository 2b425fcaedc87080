#include "norm_rows.h"
#include "rows/lanes_scalar.h"

SINTER_DEFINE_NORM_ROWS(scalar, Scalar)
