// int4 weights, codes -8 to 7.
#include "gemm/narrow_pack.h"

namespace sinter {

int32_t int4_pack_scalar(const sinter_pack_args &args) { return narrow_pack<4, 8, 15>(args); }

}  // namespace sinter
