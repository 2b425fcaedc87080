// binary weights, codes -1 and 1.
#include "gemm/narrow_pack.h"

namespace sinter {

int32_t binary_pack_scalar(const sinter_pack_args &args) { return narrow_pack<1, 1, 2>(args); }

}  // namespace sinter
