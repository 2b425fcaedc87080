// w4a16 and w8a16 matmul, eight columns at a time.
#include "gemm/lanes_avx2.h"
#include "weight_only_gemm.h"
#include "weight_only_gemm/digits_avx2.h"

namespace sinter {

void weight_only_gemm_avx2(const sinter_weight_only_gemm_args &args) {
  weight_only_gemm<Avx2, DigitsAvx2>(args);
}

}  // namespace sinter
