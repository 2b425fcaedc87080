// f32 rows to bfloat16 with what every x86-64 has.
#include "round_bf16.h"

SINTER_DEFINE_ROUND_BF16(scalar)
