// w4a16 and w8a16 matmul with bfloat16 activations, sixteen columns at a time, with vdpbf16ps.
#include "codes_as_bf16.h"

namespace sinter {

void weight_only_bf16_gemm_avx512bf16(const sinter_weight_only_gemm_args &args) {
  if (args.bits == 8) {
    multiply_codes<BytesAsBf16>(args);
  } else if (args.w_zero_points != nullptr) {
    multiply_codes<NibblesAsBf16<true>>(args);
  } else {
    multiply_codes<NibblesAsBf16<false>>(args);
  }
}

}  // namespace sinter
