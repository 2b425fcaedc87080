// The exported name of every kernel in KERNELS.def: checks the CPU, then calls the code.
#include <cassert>

#include "cpu_features.h"

int32_t sinter_version() {
  return SINTER_VERSION_MAJOR * 10000 + SINTER_VERSION_MINOR * 100 + SINTER_VERSION_PATCH;
}

const char *sinter_status_text(int32_t status) {
  switch (status) {
    case SINTER_OK:
      return "ok";
    case SINTER_UNSUPPORTED_ISA:
      return "this CPU lacks the instruction set of the kernel";
    default:
      return "unknown status";
  }
}

#define SINTER_EXPORT_QUANTIZE_ROWS(scheme, code, isa)                                             \
  namespace sinter {                                                                               \
  void quantize_rows_##scheme##_##isa(const float *x, int64_t rows, int64_t k, uint8_t *codes,     \
                                      int64_t stride, float *scales, int32_t *zero_points,         \
                                      int32_t *sums);                                              \
  }                                                                                                \
  int32_t sinter_quantize_rows_##scheme##_##isa(const float *x, int64_t rows, int64_t k,           \
                                                code *codes, int64_t stride, float *scales,        \
                                                int32_t *zero_points, int32_t *sums) {             \
    assert(x != nullptr && codes != nullptr);                                                      \
    assert(scales != nullptr && zero_points != nullptr && sums != nullptr);                        \
    assert(rows >= 0 && k >= 1 && k <= SINTER_QUANTIZE_ROWS_MAX_K && stride >= k);                 \
    if (!sinter::cpu_has(SINTER_NEEDS_##isa)) {                                                    \
      return SINTER_UNSUPPORTED_ISA;                                                               \
    }                                                                                              \
    sinter::quantize_rows_##scheme##_##isa(x, rows, k, reinterpret_cast<uint8_t *>(codes), stride, \
                                           scales, zero_points, sums);                             \
    return SINTER_OK;                                                                              \
  }

#define SINTER_EXPORT_quantize_rows(isa)        \
  SINTER_EXPORT_QUANTIZE_ROWS(u8, uint8_t, isa) \
  SINTER_EXPORT_QUANTIZE_ROWS(s8, int8_t, isa)

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
