// The exported name of every kernel in KERNELS.def: checks the CPU, then calls the code.
#include <cassert>

#include "attention_args.h"
#include "cpu_features.h"
#include "gemm_args.h"
#include "row_args.h"

int32_t sinter_version() {
  return SINTER_VERSION_MAJOR * 10000 + SINTER_VERSION_MINOR * 100 + SINTER_VERSION_PATCH;
}

const char *sinter_status_text(int32_t status) {
  switch (status) {
    case SINTER_OK:
      return "ok";
    case SINTER_UNSUPPORTED_ISA:
      return "this CPU lacks the instruction set of the kernel";
    case SINTER_INVALID_ARGUMENT:
      return "an argument is out of the range that sinter.h gives";
    default:
      return "unknown status";
  }
}

#define SINTER_EXPORT_quantize_rows(isa)                                                          \
  namespace sinter {                                                                              \
  void quantize_rows_##isa(const sinter_quantize_format &format, const float *x, int64_t rows,    \
                           void *codes, int64_t stride, float *scales, int32_t *zero_points,      \
                           int32_t *sums);                                                        \
  }                                                                                               \
  int32_t sinter_quantize_rows_##isa(const sinter_quantize_format *format, const float *x,        \
                                     int64_t first, int64_t rows, void *codes, int64_t stride,    \
                                     float *scales, int32_t *zero_points, int32_t *sums) {        \
    if (x == nullptr ||                                                                           \
        !sinter::valid_quantize(format, first, rows, codes, stride, scales, zero_points, sums)) { \
      return SINTER_INVALID_ARGUMENT;                                                             \
    }                                                                                             \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                   \
      return SINTER_UNSUPPORTED_ISA;                                                              \
    }                                                                                             \
    const int64_t group = first * sinter::groups(*format);                                        \
    sinter::quantize_rows_##isa(*format, x + first * format->k, rows,                             \
                                static_cast<uint8_t *>(codes) + first * stride, stride,           \
                                scales + group, zero_points + group, sums + group);               \
    return SINTER_OK;                                                                             \
  }

#define SINTER_EXPORT_norm_rows(isa)                                                              \
  namespace sinter {                                                                              \
  void norm_rows_##isa(const sinter_norm &norm, const float *x, int64_t rows, float *y);          \
  void norm_quantize_rows_##isa(const sinter_norm &norm, const sinter_quantize_format &format,    \
                                const float *x, int64_t rows, float *y, void *codes,              \
                                int64_t stride, float *scales, int32_t *zero_points,              \
                                int32_t *sums);                                                   \
  }                                                                                               \
  int32_t sinter_norm_rows_##isa(const sinter_norm *norm, const float *x, int64_t first,          \
                                 int64_t rows, float *y) {                                        \
    if (!sinter::valid_norm(norm, x, first, rows) || y == nullptr) {                              \
      return SINTER_INVALID_ARGUMENT;                                                             \
    }                                                                                             \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                   \
      return SINTER_UNSUPPORTED_ISA;                                                              \
    }                                                                                             \
    sinter::norm_rows_##isa(*norm, x + first * norm->k, rows, y + first * norm->k);               \
    return SINTER_OK;                                                                             \
  }                                                                                               \
  int32_t sinter_norm_quantize_rows_##isa(                                                        \
      const sinter_norm *norm, const sinter_quantize_format *format, const float *x,              \
      int64_t first, int64_t rows, float *y, void *codes, int64_t stride, float *scales,          \
      int32_t *zero_points, int32_t *sums) {                                                      \
    if (!sinter::valid_norm(norm, x, first, rows) ||                                              \
        !sinter::valid_quantize(format, first, rows, codes, stride, scales, zero_points, sums) || \
        format->k != norm->k) {                                                                   \
      return SINTER_INVALID_ARGUMENT;                                                             \
    }                                                                                             \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                   \
      return SINTER_UNSUPPORTED_ISA;                                                              \
    }                                                                                             \
    const int64_t group = first * sinter::groups(*format);                                        \
    sinter::norm_quantize_rows_##isa(*norm, *format, x + first * norm->k, rows,                   \
                                     y == nullptr ? nullptr : y + first * norm->k,                \
                                     static_cast<uint8_t *>(codes) + first * stride, stride,      \
                                     scales + group, zero_points + group, sums + group);          \
    return SINTER_OK;                                                                             \
  }

#define SINTER_EXPORT_round_bf16(isa)                                                          \
  namespace sinter {                                                                           \
  void round_bf16_##isa(const float *x, int64_t rows, int64_t k, uint16_t *y, int64_t stride); \
  }                                                                                            \
  int32_t sinter_round_bf16_##isa(const float *x, int64_t first, int64_t rows, int64_t k,      \
                                  uint16_t *y, int64_t stride) {                               \
    assert(x != nullptr && y != nullptr && first >= 0 && rows >= 0 && k >= 1 && stride >= k);  \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                \
      return SINTER_UNSUPPORTED_ISA;                                                           \
    }                                                                                          \
    sinter::round_bf16_##isa(x + first * k, rows, k, y + first * stride, stride);              \
    return SINTER_OK;                                                                          \
  }

// For the widest vectors; the others need less.
int64_t sinter_attention_scratch(int64_t length, int64_t head_dim) {
  constexpr int64_t block = 32;
  const int64_t copies = 2 * length * head_dim;
  return static_cast<int64_t>(sizeof(float)) * (block * (length + head_dim) + copies);
}

#define SINTER_EXPORT_attention(isa)                                                               \
  namespace sinter {                                                                               \
  void attention_##isa(const float *q, const float *k, const float *v, int64_t stride, float *out, \
                       int64_t out_stride, int64_t length, int64_t head_dim, float *scratch);      \
  }                                                                                                \
  int32_t sinter_attention_##isa(const float *q, const float *k, const float *v, int64_t stride,   \
                                 float *out, int64_t out_stride, int64_t first, int64_t length,    \
                                 int64_t head, int64_t head_dim, float *scratch) {                 \
    assert(q != nullptr && k != nullptr && v != nullptr && out != nullptr && scratch != nullptr);  \
    assert(first >= 0 && length >= 1 && head >= 0 && head_dim >= 1);                               \
    assert(stride >= (head + 1) * head_dim && out_stride >= (head + 1) * head_dim);                \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    const int64_t at = first * stride + head * head_dim;                                           \
    sinter::attention_##isa(q + at, k + at, v + at, stride,                                        \
                            out + first * out_stride + head * head_dim, out_stride, length,        \
                            head_dim, scratch);                                                    \
    return SINTER_OK;                                                                              \
  }

#define SINTER_EXPORT_cached_attention(isa)                                                        \
  namespace sinter {                                                                               \
  void cached_attention_##isa(const sinter_cached_attention_args &args, const void *const *pages); \
  void cached_attention_segment_##isa(const sinter_cached_attention_args &args,                    \
                                      const void *const *pages, int64_t segment, float *part);     \
  void cached_attention_merge_##isa(const sinter_cached_attention_args &args, const float *parts,  \
                                    int64_t stride, int64_t count);                                \
  }                                                                                                \
  int32_t sinter_cached_attention_##isa(const sinter_cached_attention_args *args,                  \
                                        const void *const *pages) {                                \
    if (!sinter::valid_cached_attention(args, pages)) {                                            \
      return SINTER_INVALID_ARGUMENT;                                                              \
    }                                                                                              \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    sinter::cached_attention_##isa(*args, pages);                                                  \
    return SINTER_OK;                                                                              \
  }                                                                                                \
  int32_t sinter_cached_attention_segment_##isa(const sinter_cached_attention_args *args,          \
                                                const void *const *pages, int64_t segment,         \
                                                float *parts, int64_t at) {                        \
    if (!sinter::valid_cached_attention_segment(args, pages, segment, parts, at)) {                \
      return SINTER_INVALID_ARGUMENT;                                                              \
    }                                                                                              \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    sinter::cached_attention_segment_##isa(*args, pages, segment, parts + at);                     \
    return SINTER_OK;                                                                              \
  }                                                                                                \
  int32_t sinter_cached_attention_merge_##isa(const sinter_cached_attention_args *args,            \
                                              const float *parts, int64_t at, int64_t stride,      \
                                              int64_t count) {                                     \
    if (!sinter::valid_cached_attention_merge(args, parts, at, stride, count)) {                   \
      return SINTER_INVALID_ARGUMENT;                                                              \
    }                                                                                              \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    sinter::cached_attention_merge_##isa(*args, parts + at, stride, count);                        \
    return SINTER_OK;                                                                              \
  }

#define SINTER_EXPORT_group_sums(isa)                                                              \
  namespace sinter {                                                                               \
  void group_sums_##isa(const int8_t *codes, int64_t rows, int64_t k, int64_t stride,              \
                        const int32_t *zero_points, int64_t x_group, int64_t step, int32_t *sums); \
  }                                                                                                \
  int32_t sinter_group_sums_##isa(const int8_t *codes, int64_t first, int64_t rows, int64_t k,     \
                                  int64_t stride, const int32_t *zero_points, int64_t x_group,     \
                                  int64_t step, int32_t *sums) {                                   \
    if (!sinter::valid_group_sums(codes, first, rows, k, stride, x_group, step, sums)) {           \
      return SINTER_INVALID_ARGUMENT;                                                              \
    }                                                                                              \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    const int64_t group = x_group == 0 ? k : x_group;                                              \
    const int64_t sum_step = step == 0 ? k : step;                                                 \
    if (zero_points != nullptr) {                                                                  \
      zero_points += first * ((k + group - 1) / group);                                            \
    }                                                                                              \
    sinter::group_sums_##isa(codes + first * stride, rows, k, stride, zero_points, group,          \
                             sum_step, sums + first * ((k + sum_step - 1) / sum_step));            \
    return SINTER_OK;                                                                              \
  }

// A kernel that has a status of its own.
#define SINTER_EXPORT_PACKED(operation, type, valid, isa)                         \
  namespace sinter {                                                              \
  int32_t operation##_##isa(const type &args);                                    \
  }                                                                               \
  int32_t sinter_##operation##_##isa(const type *args) {                          \
    if (args == nullptr || !(valid)) {                                            \
      return SINTER_INVALID_ARGUMENT;                                             \
    }                                                                             \
    return sinter::cpu_has(SINTER_NEEDS_##isa) ? sinter::operation##_##isa(*args) \
                                               : SINTER_UNSUPPORTED_ISA;          \
  }

#define SINTER_EXPORT_PACK(operation, bits, isa) \
  SINTER_EXPORT_PACKED(operation, sinter_pack_args, sinter::valid_pack(*args, bits), isa)

#define SINTER_EXPORT_CHECKED(operation, type, valid, isa) \
  namespace sinter {                                       \
  void operation##_##isa(const type &args);                \
  }                                                        \
  int32_t sinter_##operation##_##isa(const type *args) {   \
    if (args == nullptr || !(valid)) {                     \
      return SINTER_INVALID_ARGUMENT;                      \
    }                                                      \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {            \
      return SINTER_UNSUPPORTED_ISA;                       \
    }                                                      \
    sinter::operation##_##isa(*args);                      \
    return SINTER_OK;                                      \
  }

#define SINTER_EXPORT_int8_pack(isa) SINTER_EXPORT_PACK(int8_pack, 8, isa)
#define SINTER_EXPORT_int4_pack(isa) SINTER_EXPORT_PACK(int4_pack, 4, isa)
#define SINTER_EXPORT_ternary_pack(isa) SINTER_EXPORT_PACK(ternary_pack, 2, isa)
#define SINTER_EXPORT_binary_pack(isa) SINTER_EXPORT_PACK(binary_pack, 1, isa)
#define SINTER_EXPORT_int8_gemm(isa) \
  SINTER_EXPORT_CHECKED(int8_gemm, sinter_gemm_args, sinter::valid_gemm(*args, 8), isa)
#define SINTER_EXPORT_int4_gemm(isa) \
  SINTER_EXPORT_CHECKED(int4_gemm, sinter_gemm_args, sinter::valid_gemm(*args, 4), isa)
#define SINTER_EXPORT_ternary_gemm(isa) \
  SINTER_EXPORT_CHECKED(ternary_gemm, sinter_gemm_args, sinter::valid_gemm(*args, 2), isa)
#define SINTER_EXPORT_binary_gemm(isa) \
  SINTER_EXPORT_CHECKED(binary_gemm, sinter_gemm_args, sinter::valid_gemm(*args, 1), isa)
#define SINTER_EXPORT_f32_pack(isa) \
  SINTER_EXPORT_CHECKED(f32_pack, sinter_float_pack_args, sinter::valid_float_pack(*args), isa)
#define SINTER_EXPORT_f32_gemm(isa) \
  SINTER_EXPORT_CHECKED(f32_gemm, sinter_float_gemm_args, sinter::valid_float_gemm(*args, 1), isa)
#define SINTER_EXPORT_bf16_pack(isa) \
  SINTER_EXPORT_CHECKED(bf16_pack, sinter_float_pack_args, sinter::valid_float_pack(*args), isa)
#define SINTER_EXPORT_bf16_gemm(isa) \
  SINTER_EXPORT_CHECKED(bf16_gemm, sinter_float_gemm_args, sinter::valid_float_gemm(*args, 2), isa)
#define SINTER_EXPORT_bf16_weights_gemm(isa)                       \
  SINTER_EXPORT_CHECKED(bf16_weights_gemm, sinter_float_gemm_args, \
                        args->k % 2 == 0 && sinter::valid_float_gemm(*args, 2), isa)
#define SINTER_EXPORT_weight_only_gemm(isa)                             \
  SINTER_EXPORT_CHECKED(weight_only_gemm, sinter_weight_only_gemm_args, \
                        sinter::valid_weight_only_gemm(*args), isa)
#define SINTER_EXPORT_weight_only_bf16_gemm(isa)                             \
  SINTER_EXPORT_CHECKED(weight_only_bf16_gemm, sinter_weight_only_gemm_args, \
                        sinter::valid_weight_only_gemm(*args), isa)

#define SINTER_EXPORT_int8_block_pack(isa)                       \
  SINTER_EXPORT_CHECKED(int8_block_pack, sinter_block_pack_args, \
                        sinter::valid_block_pack(*args, 8), isa)
#define SINTER_EXPORT_int8_block_gemm(isa)                                                        \
  SINTER_EXPORT_CHECKED(int8_block_gemm, sinter_block_gemm_args, sinter::valid_block_gemm(*args), \
                        isa)
#define SINTER_EXPORT_int4_block_pack(isa)                      \
  SINTER_EXPORT_PACKED(int4_block_pack, sinter_block_pack_args, \
                       sinter::valid_block_pack(*args, 4), isa)
#define SINTER_EXPORT_int4_block_gemm(isa)                       \
  SINTER_EXPORT_CHECKED(int4_block_gemm, sinter_block_gemm_args, \
                        sinter::valid_int4_block_gemm(*args), isa)
#define SINTER_EXPORT_int8_2of4_pack(isa) SINTER_EXPORT_PACK(int8_2of4_pack, 8, isa)
#define SINTER_EXPORT_int8_2of4_gemm(isa) \
  SINTER_EXPORT_CHECKED(int8_2of4_gemm, sinter_block_gemm_args, sinter::valid_2of4_gemm(*args), isa)
#define SINTER_EXPORT_f32_block_pack(isa)                       \
  SINTER_EXPORT_CHECKED(f32_block_pack, sinter_block_pack_args, \
                        sinter::valid_block_pack(*args, 32), isa)
#define SINTER_EXPORT_f32_block_gemm(isa)                           \
  SINTER_EXPORT_CHECKED(f32_block_gemm, sinter_f32_block_gemm_args, \
                        sinter::valid_f32_block_gemm(*args), isa)

#define SINTER_EXPORT_f32_sell_pack(isa)                       \
  SINTER_EXPORT_CHECKED(f32_sell_pack, sinter_block_pack_args, \
                        sinter::valid_block_pack(*args, 32) && args->k <= SINTER_SELL_MAX_K, isa)
#define SINTER_EXPORT_f32_sell_gemm(isa)                                                          \
  SINTER_EXPORT_CHECKED(f32_sell_gemm, sinter_f32_block_gemm_args,                                \
                        sinter::valid_f32_block_gemm(*args) && args->gemm.k <= SINTER_SELL_MAX_K, \
                        isa)

#define SINTER_EXPORT_int8_sell_pack(isa)                       \
  SINTER_EXPORT_CHECKED(int8_sell_pack, sinter_block_pack_args, \
                        sinter::valid_block_pack(*args, 8) && args->k <= SINTER_SELL_MAX_K, isa)
#define SINTER_EXPORT_int8_sell_gemm(isa)                       \
  SINTER_EXPORT_CHECKED(int8_sell_gemm, sinter_block_gemm_args, \
                        sinter::valid_int8_sell_gemm(*args), isa)

#define SINTER_EXPORT_machine_limits_read(isa)                                                  \
  namespace sinter {                                                                            \
  uint64_t machine_limits_read_##isa(const uint8_t *data, int64_t bytes, int64_t repeats);      \
  }                                                                                             \
  int32_t sinter_machine_limits_read_##isa(const uint8_t *data, int64_t bytes, int64_t repeats, \
                                           uint64_t *sum) {                                     \
    assert(data != nullptr && reinterpret_cast<uintptr_t>(data) % 64 == 0 && sum != nullptr);   \
    assert(bytes >= 0 && bytes % SINTER_MACHINE_LIMITS_BLOCK == 0 && repeats >= 0);             \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                 \
      return SINTER_UNSUPPORTED_ISA;                                                            \
    }                                                                                           \
    *sum = sinter::machine_limits_read_##isa(data, bytes, repeats);                             \
    return SINTER_OK;                                                                           \
  }

#define SINTER_EXPORT_machine_limits_multiply(isa)                                      \
  namespace sinter {                                                                    \
  int64_t machine_limits_multiply_##isa(int32_t type, int64_t iterations, double *sum); \
  }                                                                                     \
  int32_t sinter_machine_limits_multiply_##isa(int32_t type, int64_t iterations,        \
                                               int64_t *operations, double *sum) {      \
    assert(type >= SINTER_MACHINE_LIMITS_F32 && type <= SINTER_MACHINE_LIMITS_INT8);    \
    assert(iterations >= 0 && iterations <= SINTER_MACHINE_LIMITS_MAX_ITERATIONS);      \
    assert(operations != nullptr && sum != nullptr);                                    \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                         \
      return SINTER_UNSUPPORTED_ISA;                                                    \
    }                                                                                   \
    *operations = sinter::machine_limits_multiply_##isa(type, iterations, sum);         \
    return SINTER_OK;                                                                   \
  }

#define SINTER_KERNEL(operation, isa) SINTER_EXPORT_##operation(isa)
#include "KERNELS.def"
#undef SINTER_KERNEL
