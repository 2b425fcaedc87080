// w4a16 and w8a16 matmul, sixteen columns at a time, with vpdpbusd.
#include "gemm/lanes_avx512vnni.h"
#include "weight_only_gemm.h"
#include "weight_only_gemm/digits_avx512.h"

namespace sinter {

void weight_only_gemm_avx512vnni(const sinter_weight_only_gemm_args &args) {
  weight_only_gemm<Avx512Vnni, DigitsAvx512Vnni>(args);
}

}  // namespace sinter
