// What the matmuls and their helpers refuse: sizes and groups that sinter.h rules out, and
// missing buffers. Whether a buffer is large enough nobody can tell here.
#ifndef SINTER_GEMM_ARGS_H
#define SINTER_GEMM_ARGS_H

#include "sinter.h"

namespace sinter {

bool valid_gemm(const sinter_gemm_args &args, int bits);
bool valid_pack(const sinter_pack_args &args, int bits);
// `together` values of k are read at once.
bool valid_float_gemm(const sinter_float_gemm_args &args, int64_t together);
bool valid_weight_only_gemm(const sinter_weight_only_gemm_args &args);
bool valid_float_pack(const sinter_float_pack_args &args);
bool valid_block_gemm(const sinter_block_gemm_args &args);
bool valid_2of4_gemm(const sinter_block_gemm_args &args);
bool valid_int8_sell_gemm(const sinter_block_gemm_args &args);
bool valid_int4_block_gemm(const sinter_block_gemm_args &args);
bool valid_f32_block_gemm(const sinter_f32_block_gemm_args &args);
bool valid_block_pack(const sinter_block_pack_args &args, int bits);
bool valid_group_sums(const int8_t *codes, int64_t first, int64_t rows, int64_t k, int64_t stride,
                      int64_t x_group, int64_t step, const int32_t *sums);

}  // namespace sinter

#endif
