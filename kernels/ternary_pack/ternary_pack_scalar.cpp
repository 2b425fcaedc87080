// ternary weights, codes -1 to 1.
#include "gemm/narrow_pack.h"

namespace sinter {

int32_t ternary_pack_scalar(const sinter_pack_args &args) { return narrow_pack<2, 1, 2>(args); }

}  // namespace sinter
