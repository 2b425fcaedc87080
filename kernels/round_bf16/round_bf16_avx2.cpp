// f32 rows to bfloat16 as the compiler vectorizes it for this instruction set.
#include "round_bf16.h"

SINTER_DEFINE_ROUND_BF16(avx2)
