// w4a16 and w8a16 matmul, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "weight_only_gemm.h"

namespace sinter {

void weight_only_gemm_scalar(const sinter_weight_only_gemm_args &args) {
  weight_only_gemm<Scalar, Digits>(args);
}

}  // namespace sinter
