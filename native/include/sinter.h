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
 *   first, rows  rows first to first + rows are quantized, all others left alone
 *   x            rows of k floats, contiguous; k from 1 to SINTER_QUANTIZE_ROWS_MAX_K
 *   codes        rows of `stride` bytes, stride >= k; bytes k to stride get the row's zero point
 *   scales       one a row
 *   zero_points  one a row
 *   sums         one a row, the sum of q - z over its k codes
 *
 * u8, x = (q - z) * s: with lo = min(0, min x) and hi = max(0, max x), s = hi / 255 - lo / 255,
 * z = clamp(rint(-lo / s), 0, 255), q = clamp(rint(x / s) + z, 0, 255).
 * s8, x = q * s: s = max |x| / 127, z = 0, q = clamp(rint(x / s), -127, 127).
 * All in f32, halves to even. If s is 0, so are z and all q; a row that holds NaN or infinity gets
 * s = NaN, z = 0 and q = 0. No alignment is needed; x must not overlap what is written.
 */
#define SINTER_QUANTIZE_ROWS_MAX_K 8421504 /* 255 * k fits the int32 sum */

#define SINTER_DECLARE_quantize_rows(isa)                                                     \
  SINTER_API int32_t sinter_quantize_rows_u8_##isa(                                           \
      const float *x, int64_t first, int64_t rows, int64_t k, uint8_t *codes, int64_t stride, \
      float *scales, int32_t *zero_points, int32_t *sums);                                    \
  SINTER_API int32_t sinter_quantize_rows_s8_##isa(                                           \
      const float *x, int64_t first, int64_t rows, int64_t k, int8_t *codes, int64_t stride,  \
      float *scales, int32_t *zero_points, int32_t *sums);

/*
 * round_bf16: f32 rows to bfloat16, the upper half of an f32, halves to even. NaN stays NaN.
 *
 *   first, rows  rows first to first + rows are converted, all others left alone
 *   x            rows of k floats, contiguous; k from 1
 *   y            rows of `stride` bfloat16 values, stride >= k; values k to stride become 0
 */
#define SINTER_DECLARE_round_bf16(isa)                                                    \
  SINTER_API int32_t sinter_round_bf16_##isa(const float *x, int64_t first, int64_t rows, \
                                             int64_t k, uint16_t *y, int64_t stride);

/*
 * attention: softmax(Q K^T / sqrt(head_dim)) V for one head of one sequence, all f32; every query
 * sees every key (Vaswani et al., 2017).
 *
 *   first, length   the sequence is rows first to first + length of all four matrices; length from
 * 1 head, head_dim  the head is columns head * head_dim to (head + 1) * head_dim; head_dim from 1
 *   q, k, v   matrices whose rows are `stride` floats apart
 *   out       a matrix whose rows are `out_stride` floats apart; must not overlap q, k, v
 *   scratch   sinter_attention_scratch(length, head_dim) bytes, aligned to 64
 *
 * NaN or infinity in a query makes its row of out NaN; in a key or value, whatever it reaches.
 */
SINTER_API int64_t sinter_attention_scratch(int64_t length, int64_t head_dim);

#define SINTER_DECLARE_attention(isa)                                                       \
  SINTER_API int32_t sinter_attention_##isa(const float *q, const float *k, const float *v, \
                                            int64_t stride, float *out, int64_t out_stride, \
                                            int64_t first, int64_t length, int64_t head,    \
                                            int64_t head_dim, float *scratch);

#define SINTER_KERNEL(operation, isa) SINTER_DECLARE_##operation(isa)
#include "KERNELS.def"
#undef SINTER_KERNEL

#ifdef __cplusplus
}
#endif

#endif
