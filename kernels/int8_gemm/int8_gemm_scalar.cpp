// w8a8 matmul, one column at a time: what the other variants must equal.
#include "gemm/lanes_scalar.h"
#include "int8_gemm.h"

namespace sinter {

void int8_gemm_scalar(const sinter_gemm_args &args) {
  run_tiles<Int8Tile, Scalar, Scalar::Int8Tiles>(args, Int8Plan(args));
}

}  // namespace sinter
