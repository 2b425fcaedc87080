/*
 * C ABI of libsinter: kernels exported by name and instruction set, and what the CPU offers.
 *
 * No function allocates, keeps state, starts a thread or reports anything but its status. Kernels
 * expect the default floating-point environment (round to nearest even, subnormals kept) and
 * arguments that the caller has checked: a wrong pointer or size is undefined behaviour, and an
 * assertion in builds with assertions. All functions may be called from any thread at once.
 */
#ifndef SINTER_H
#define SINTER_H

#include <stdint.h>

#define SINTER_API __attribute__((visibility("default")))

#define SINTER_VERSION_MAJOR 0
#define SINTER_VERSION_MINOR 1
#define SINTER_VERSION_PATCH 0

/* What a kernel returns. */
#define SINTER_OK 0
#define SINTER_UNSUPPORTED_ISA 1

/* Bits of sinter_cpu_features(). A bit is set if the CPU has the instructions and the operating
 * system keeps their registers. A process that wants AMX must still ask Linux for the tile data. */
#define SINTER_CPU_AVX2 0x1
#define SINTER_CPU_FMA 0x2
#define SINTER_CPU_F16C 0x4
#define SINTER_CPU_AVX512F 0x8
#define SINTER_CPU_AVX512BW 0x10
#define SINTER_CPU_AVX512VL 0x20
#define SINTER_CPU_AVX512DQ 0x40
#define SINTER_CPU_AVX512VNNI 0x80
#define SINTER_CPU_AVX512BF16 0x100
#define SINTER_CPU_AVXVNNI 0x200
#define SINTER_CPU_AMXINT8 0x400
#define SINTER_CPU_AMXBF16 0x800

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library: major * 10000 + minor * 100 + patch. */
SINTER_API int32_t sinter_version(void);

/* What a status means, in words; static storage, never NULL. */
SINTER_API const char *sinter_status_text(int32_t status);

/* SINTER_CPU_ bits of the CPU this runs on. */
SINTER_API uint64_t sinter_cpu_features(void);

/*
 * quantize_rows: f32 rows to 8-bit codes, each row with a scale of its own.
 *
 *   x            [rows][k], contiguous; k from 1 to SINTER_QUANTIZE_ROWS_MAX_K
 *   codes        [rows][stride], stride >= k; bytes k to stride of a row get its zero point
 *   scales       [rows]
 *   zero_points  [rows]
 *   sums         [rows], the sum of q - z over the k codes of a row
 *
 * u8, x = (q - z) * s: with lo = min(0, min x) and hi = max(0, max x), s = hi / 255 - lo / 255,
 * z = clamp(rint(-lo / s), 0, 255), q = clamp(rint(x / s) + z, 0, 255).
 * s8, x = q * s: s = max |x| / 127, z = 0, q = clamp(rint(x / s), -127, 127).
 * All in f32, halves to even. If s is 0, so are z and all q; a row that holds NaN or infinity gets
 * s = NaN, z = 0 and q = 0. No alignment is needed; x must not overlap what is written.
 */
#define SINTER_QUANTIZE_ROWS_MAX_K 8421504 /* 255 * k fits the int32 sum */

#define SINTER_DECLARE_quantize_rows(isa)                                                         \
  SINTER_API int32_t sinter_quantize_rows_u8_##isa(const float *x, int64_t rows, int64_t k,       \
                                                   uint8_t *codes, int64_t stride, float *scales, \
                                                   int32_t *zero_points, int32_t *sums);          \
  SINTER_API int32_t sinter_quantize_rows_s8_##isa(const float *x, int64_t rows, int64_t k,       \
                                                   int8_t *codes, int64_t stride, float *scales,  \
                                                   int32_t *zero_points, int32_t *sums);

/*
 * machine_limits_read: how fast memory can be read. Adds `bytes` bytes up as 64-bit words,
 * wrapping, `repeats` times.
 *
 *   data  64-byte aligned; bytes is a multiple of SINTER_MACHINE_LIMITS_BLOCK
 *   sum   1
 */
#define SINTER_MACHINE_LIMITS_BLOCK 512

#define SINTER_DECLARE_machine_limits_read(isa)                                           \
  SINTER_API int32_t sinter_machine_limits_read_##isa(const uint8_t *data, int64_t bytes, \
                                                      int64_t repeats, uint64_t *sum);

/*
 * machine_limits_multiply: how fast numbers of a type can be multiplied and added up. Ones stay in
 * registers through `iterations` rounds, at most SINTER_MACHINE_LIMITS_MAX_ITERATIONS.
 *
 *   type        SINTER_MACHINE_LIMITS_F32, _BF16 (pairs, into f32) or _INT8 (fours, into int32)
 *   operations  1, what was done, counting a multiplication and its addition as two; 0 where the
 *               instruction set adds nothing for the type
 *   sum         1, of all products: half the operations
 */
#define SINTER_MACHINE_LIMITS_F32 0
#define SINTER_MACHINE_LIMITS_BF16 1
#define SINTER_MACHINE_LIMITS_INT8 2
#define SINTER_MACHINE_LIMITS_MAX_ITERATIONS 4194304

#define SINTER_DECLARE_machine_limits_multiply(isa)                                         \
  SINTER_API int32_t sinter_machine_limits_multiply_##isa(int32_t type, int64_t iterations, \
                                                          int64_t *operations, double *sum);

#define SINTER_KERNEL(operation, isa) SINTER_DECLARE_##operation(isa)
#include "KERNELS.def"
#undef SINTER_KERNEL

#ifdef __cplusplus
}
#endif

#endif
