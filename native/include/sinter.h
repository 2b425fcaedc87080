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
#define SINTER_INVALID_ARGUMENT 2

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

/*
 * Asks Linux for huge pages behind the whole multiples of SINTER_HUGE_PAGE in [memory, memory +
 * bytes), and returns how many bytes were asked for: 0 if there are none or Linux refuses, which
 * harms nothing. Contents stay.
 */
SINTER_API int64_t sinter_advise_huge_pages(void *memory, int64_t bytes);
#define SINTER_HUGE_PAGE 2097152

/* SINTER_CPU_ bits of the CPU this runs on. */
SINTER_API uint64_t sinter_cpu_features(void);

/*
 * What 8-bit codes a row of k floats becomes. Checked at each call.
 *
 * Groups: `group` values along k share a scale and a zero point, ceil(k / group) groups a row, the
 * last one short; 0 is one group of all k.
 * Columns: value i of the row that is quantized is x[columns[i]]. No index may be below 0 or above
 * k - 1, which is not checked; NULL is the order of x.
 */
struct sinter_quantize_format {
  int64_t k;              /* 1 to SINTER_QUANTIZE_ROWS_MAX_K */
  int64_t group;          /* 0, or at least 1 */
  const int32_t *columns; /* [k], or NULL */
  int32_t codes;          /* SINTER_CODES_U8, SINTER_CODES_S8, SINTER_CODES_S8Z */
};

#define SINTER_QUANTIZE_ROWS_MAX_K 8421504 /* 255 * k fits the int32 sum */
#define SINTER_CODES_U8 0
#define SINTER_CODES_S8 1
#define SINTER_CODES_S8Z 2

/*
 * quantize_rows: f32 rows to 8-bit codes, each row, or each group of one, with a scale of its own.
 *
 *   first, rows  rows first to first + rows are quantized, all others left alone
 *   x            rows of k floats, contiguous
 *   codes        rows of `stride` bytes, stride >= k; bytes k to stride get the zero point of the
 *                row's last group
 *   scales       one a group
 *   zero_points  one a group
 *   sums         one a group, the sum of q - z over its codes
 *
 * U8, x = (q - z) * s: with lo = min(0, min x) and hi = max(0, max x), s = hi / 255 - lo / 255,
 * z = clamp(rint(-lo / s), 0, 255), q = clamp(rint(x / s) + z, 0, 255).
 * S8Z: the same numbers with q and z 128 lower, from -128 to 127.
 * S8, x = q * s: s = max |x| / 127, z = 0, q = clamp(rint(x / s), -127, 127).
 * All in f32, halves to even. If s is 0, so are z and all q; a group that holds NaN or infinity
 * gets s = NaN, z = 0 and q = 0. With S8Z those are -128. No alignment is needed; x must not
 * overlap what is written.
 */
#define SINTER_DECLARE_quantize_rows(isa)                                                       \
  SINTER_API int32_t sinter_quantize_rows_##isa(                                                \
      const struct sinter_quantize_format *format, const float *x, int64_t first, int64_t rows, \
      void *codes, int64_t stride, float *scales, int32_t *zero_points, int32_t *sums);

/*
 * A normalization: layer norm (Ba et al., 2016) or RMS norm (Zhang and Sennrich, 2019). Checked at
 * each call.
 */
struct sinter_norm {
  int64_t k;          /* 1 to SINTER_QUANTIZE_ROWS_MAX_K */
  const float *gamma; /* [k] */
  const float *beta;  /* [k] */
  float epsilon;      /* finite, not negative */
  int32_t kind;       /* SINTER_LAYER_NORM, SINTER_RMS_NORM */
};

#define SINTER_LAYER_NORM 0
#define SINTER_RMS_NORM 1

/*
 * norm_rows: y = fma((x - mean) * (1 / sqrt(variance + epsilon)), gamma, beta), row by row, all in
 * f32. Mean and variance are the row's own, sums in an order that k alone determines divided by k;
 * the mean of an RMS norm is 0. A row with NaN or infinity becomes NaN, and so does one whose sum
 * of squares leaves the range of f32.
 * norm_quantize_rows: that, and its quantization as above: the codes of y, bit for bit.
 *
 *   first, rows  rows first to first + rows are normalized, all others left alone
 *   x            rows of k floats, contiguous
 *   y            likewise, may be x; norm_quantize_rows: NULL if only codes are wanted
 *   format       its k is that of the norm
 */
#define SINTER_DECLARE_norm_rows(isa)                                                              \
  SINTER_API int32_t sinter_norm_rows_##isa(const struct sinter_norm *norm, const float *x,        \
                                            int64_t first, int64_t rows, float *y);                \
  SINTER_API int32_t sinter_norm_quantize_rows_##isa(                                              \
      const struct sinter_norm *norm, const struct sinter_quantize_format *format, const float *x, \
      int64_t first, int64_t rows, float *y, void *codes, int64_t stride, float *scales,           \
      int32_t *zero_points, int32_t *sums);

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

/*
 * cached_attention: causal softmax attention of the new rows of one sequence over a paged KV cache,
 * for all query heads of one head of keys and values: for the query at position p, over positions t
 * with max(0, p - window + 1) <= t <= p,
 *
 *   s[t] = cap(scale * q . k[t]), cap(x) = soft_cap * tanh(x / soft_cap), or x if soft_cap is 0
 *   out  = sum of softmax(s)[t] * v[t]
 *
 * `pages` are the addresses of pages of SINTER_KV_PAGE_TOKENS tokens each, up to that of the last
 * row; a page is aligned to 64, and page_offset bytes from its start are
 *
 *   keys    f32 [head_dim][tokens], or bfloat16 or int8 [ceil(head_dim / 2)][tokens][2]
 *   values  [tokens][head_dim rounded up to 8]
 *   scales  int8 only: f32 [tokens] of the keys, then [tokens] of the values: k = code * scale
 *
 * Int8 codes are -127 to 127. The second of a pair past head_dim is 0. Slots of tokens after the
 * last row, and what pads a value, may hold anything but are read.
 *
 * cached_attention computes rows of out. A segment is SINTER_KV_SEGMENT_TOKENS positions from a
 * multiple of that on: cached_attention_segment leaves at parts + at what one of them, with a
 * position that the query sees, contributes to a single row (rows = 1; out is not used), and
 * cached_attention_merge makes that row of out of all such parts, from that of the first segment at
 * parts + at to the last, `stride` floats apart (q and pages are not used). A row of out is the
 * same, bit for bit, for any rows beside it and either way.
 *
 * NaN or infinity in a query makes its row NaN; in a key, the rows that see it; in a value,
 * whatever it reaches. The sizes of a call are checked, and pointers that must not be NULL.
 */
struct sinter_cached_attention_args {
  const float *q;      /* [rows] of q_stride floats: the group's heads side by side */
  int64_t q_stride;    /* at least group * head_dim */
  float *out;          /* likewise */
  int64_t out_stride;  /* at least group * head_dim */
  int64_t rows;        /* 1 to SINTER_KV_ROWS */
  int64_t position;    /* of the first row, at least 0 */
  int64_t group;       /* query heads, 1 to SINTER_KV_MAX_GROUP */
  int64_t head_dim;    /* 1 to SINTER_KV_MAX_HEAD_DIM */
  int64_t page_offset; /* a multiple of 64 */
  int64_t window;      /* 0: all positions */
  float scale;         /* finite */
  float soft_cap;      /* finite, not negative */
  int32_t kv_type;     /* SINTER_KV_F32, SINTER_KV_BF16, SINTER_KV_INT8 */
  float *scratch;      /* sinter_cached_attention_scratch(head_dim) bytes, aligned to 64 */
};

#define SINTER_KV_PAGE_TOKENS 32
#define SINTER_KV_SEGMENT_TOKENS 256
#define SINTER_KV_ROWS 8
#define SINTER_KV_MAX_GROUP 65536
#define SINTER_KV_MAX_HEAD_DIM 512
#define SINTER_KV_F32 0
#define SINTER_KV_BF16 1
#define SINTER_KV_INT8 2

SINTER_API int64_t sinter_cached_attention_scratch(int64_t head_dim);

/* Floats of a part, a multiple of 16. */
SINTER_API int64_t sinter_cached_attention_part(int64_t group, int64_t head_dim);

#define SINTER_DECLARE_cached_attention(isa)                                                      \
  SINTER_API int32_t sinter_cached_attention_##isa(                                               \
      const struct sinter_cached_attention_args *args, const void *const *pages);                 \
  SINTER_API int32_t sinter_cached_attention_segment_##isa(                                       \
      const struct sinter_cached_attention_args *args, const void *const *pages, int64_t segment, \
      float *parts, int64_t at);                                                                  \
  SINTER_API int32_t sinter_cached_attention_merge_##isa(                                         \
      const struct sinter_cached_attention_args *args, const float *parts, int64_t at,            \
      int64_t stride, int64_t count);

/*
 * int8_gemm, int4_gemm, ternary_gemm, binary_gemm: y[m][n] = activation(sum over k of x[m][k] *
 * w[n][k] + bias[n]), or y += that, for 8-bit activations and weights of 8, 4, 2 or 1 bits, for
 * m = 1 (GEMV) as for m = 512.
 *
 *   x(m, k) = (q - x_zero_point) * x_scale, q a signed byte
 *   w(n, k) = (u - c) * w_scale, u the stored byte (int8), nibble (int4), pair of bits from 0 to 2
 *             (ternary) or twice the stored bit (binary); where there are no zero points, c = 128
 *             (int8), 8 (int4) or 1, which makes w_scale times -1, 0, 1 (ternary) or -1, 1 (binary)
 *
 * Columns go by panels of 16, and what belongs to columns 16p to 16p + 15 lies together:
 * P = ceil(n / 16) panels. Threads may share the panels of a call out among them. The result of a
 * row is the same, bit for bit, for any m, any cut of the panels and on any instruction set.
 * Nothing needs alignment; 64 bytes for x, weights and y is fastest, and a stride of x that is an
 * odd multiple of 64 keeps its rows in different sets of the L1 cache.
 *
 * Weight groups (not int8): w_group values along k share a scale and a zero point. There are
 * G = ceil(k / w_group) of them, the last one short; w_group 0 is one group of all k (as int8 has).
 * Activation groups (not int8): likewise by x_group, H = ceil(k / x_group); 0 is one scale a row.
 * Groups are multiples of 32, and one of w_group and x_group divides the other. A step is the
 * smaller of them, all k without groups; T = ceil(k / step) steps.
 *
 * Integers: sums of (q - x_zero_point) * (u - c) over a step are exact in int32, since the entry
 * wants k <= (2^31 - 1) / (a * b): a = 128, or 255 with x_zero_points; b = 128, or 255 with
 * w_zero_points, for int8 (k <= 131071, 65793 or 33025); b = 8, or 15 with w_zero_points, for int4,
 * whose zero points must not be above 15; b = 32 for ternary, b = 2 for binary, since these sum
 * powers of two times u on the way.
 *
 * Floats: all in f32, one rounding an operation, fused where fma is written.
 *   int8  y = fma(float(sum) * w_scale, x_scale, bias)
 *   else  step by step from f = 0: f = fma(float(sum), w_scale, f); y = fma(f, x_scale, bias)
 *         with x_group: f = fma(float(sum) * x_scale, w_scale, f); y = fma(f, 1, bias)
 * then the activation (kernels/gemm/activations.h) and the addition to y. bias is 0 if NULL.
 *
 * Gate: y[m][j] = activation(a[m][j]) * b[m][j] for two matrices of n rows each, W1 of a and W3 of
 * b, where a and b are the sums above with their scales and biases (Shazeer, "GLU Variants Improve
 * Transformer", 2020). A panel is 8 columns of both: its first 8 columns are rows 8p to 8p + 7 of
 * W1, the others the same rows of W3. P = ceil(n / 8) panels, and what is packed for the last one
 * past n changes nothing. bias is [2][n], that of a first.
 *
 * The sizes of a call are checked, and pointers that must not be NULL.
 */
struct sinter_gemm_args {
  int64_t m, n, k;                /* at least 1 */
  int64_t panel_begin, panel_end; /* the panels to compute: [panel_begin, panel_end) of [0, P) */

  const int8_t *x;  /* [m][x_stride] codes; a row is read up to ceil32(k), k rounded up to 32, */
                    /* and what lies past k changes nothing */
  int64_t x_stride; /* bytes from row to row, at least ceil32(k) */
  const float *x_scales;        /* [m][H] */
  const int32_t *x_zero_points; /* [m][H], -128 to 127; NULL: all 0 */
  const int32_t *x_sums;        /* [m][T]: the sum of q - x_zero_point over a step (group_sums) */
  int64_t x_group;              /* 0, or a multiple of 32; int8: 0 */

  const void *w;                /* packed by int8_pack, int4_pack, ternary_pack or binary_pack */
  const void *w_scales;         /* [P][G][16] */
  const uint8_t *w_zero_points; /* [P][G][16], c, or NULL; ternary and binary: NULL */
  const int32_t *w_sums;        /* [P][T][16]: the sum of u over a step; only for x_zero_points */
  int64_t w_group;              /* 0, or a multiple of 32; int8: 0 */

  const float *bias; /* [n], with a gate [2][n], or NULL */
  float *y;          /* [m][y_stride]; must not overlap what is read */
  int64_t y_stride;  /* floats from row to row, at least n */

  int32_t w_scale_type; /* SINTER_F32, or but for int8 SINTER_F16 */
  int32_t activation;   /* SINTER_NO_ACTIVATION, SINTER_GELU_ERF, SINTER_GELU_TANH, SINTER_SILU */
  int32_t accumulate;   /* not 0: y += */
  int32_t gate;         /* 1: W1 and W3, as said above, and accumulate is 0; else 0 */
};

#define SINTER_GEMM_PANEL 16   /* columns */
#define SINTER_GATE_COLUMNS 8  /* of y that a panel with a gate yields */
#define SINTER_GEMM_BLOCK_K 32 /* k is padded to a multiple of this */

#define SINTER_F32 0
#define SINTER_F16 1

#define SINTER_NO_ACTIVATION 0
#define SINTER_GELU_ERF 1  /* x * (1 + erf(x / sqrt(2))) / 2 */
#define SINTER_GELU_TANH 2 /* x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2 */
#define SINTER_SILU 3      /* x / (1 + e^-x) */

/*
 * int8_pack, int4_pack, ternary_pack, binary_pack: row-major codes to the layouts that the heads of
 * int8_gemm/int8_gemm.h and gemm/narrow_gemm.h in kernels/ draw. Codes outside -8 to 7 (int4) or -1
 * to 1 (ternary), or other than -1 and 1 (binary), are an invalid argument, and what is packed then
 * is of no use.
 */
struct sinter_pack_args {
  const int8_t *codes;            /* [n][stride], one code a byte */
  int64_t stride;                 /* bytes from row to row, at least k */
  int64_t n, k;                   /* at least 1 */
  int64_t panel_begin, panel_end; /* the panels to pack: [panel_begin, panel_end) of [0, P) */
  int64_t step;                   /* of w_sums; 0, or (not int8) a multiple of 32 */
  uint8_t *w;                     /* [P][ceil32(k) * 16 * bits / 8] */
  int32_t *w_sums;                /* [P][T][16], the sum of u over a step, or NULL */
};

/*
 * f32_gemm, bf16_gemm, bf16_weights_gemm: y[m][n] = activation(sum over k of x[m][k] * w[n][k] +
 * bias[n]), or y += that, for m = 1 as for m = 512: x and w in f32, both in bfloat16, or x in f32
 * and w in bfloat16; y in f32. Panels are as above, and so is what threads may share and what a
 * row's result does not depend on.
 *
 * All in f32, to which bfloat16 is widened. From sum = 0: sum = fma(w[n][k], x[m][k], sum), k from
 * 0 up; y = sum + bias; then the activation (kernels/gemm/activations.h) and the addition to y.
 * bias is 0 if NULL.
 *
 * bf16_gemm_avx512bf16 has the instruction for pairs of k, which takes the second first, up to k
 * rounded up to 2: sum = fma(w[n][k + 1], x[m][k + 1], sum), then with w[n][k] and x[m][k]. In
 * both, w, x, sum and the result count as 0 if they are subnormal (below 2^-126), so that such a
 * number times infinity is NaN.
 *
 * The sizes of a call are checked, and pointers that must not be NULL.
 */
struct sinter_float_gemm_args {
  int64_t m, n, k;                /* at least 1; bf16_weights_gemm: k is even */
  int64_t panel_begin, panel_end; /* the panels to compute: [panel_begin, panel_end) of [0, P) */
  const void *x;                  /* [m][x_stride] */
  int64_t x_stride;               /* elements from row to row, at least k; bf16_gemm: at least */
                                  /* ceil2(k), k rounded up to 2, and x[m][k] of an odd k is 0 */
  const void *w;                  /* packed by f32_pack or bf16_pack */
  const float *bias;              /* [n], with a gate [2][n], or NULL */
  float *y;                       /* [m][y_stride]; must not overlap what is read */
  int64_t y_stride;               /* floats from row to row, at least n */
  int32_t activation;             /* as in sinter_gemm_args */
  int32_t accumulate;             /* not 0: y += */
  int32_t gate;                   /* as in sinter_gemm_args */
};

/*
 * f32_pack, bf16_pack: row-major weights to the layouts that the heads of f32_gemm.h and
 * bf16_gemm.h in kernels/ draw.
 */
struct sinter_float_pack_args {
  const void *w;                  /* [n][stride] */
  int64_t stride;                 /* elements from row to row, at least k */
  int64_t n, k;                   /* at least 1 */
  int64_t panel_begin, panel_end; /* the panels to pack: [panel_begin, panel_end) of [0, P) */
  void *packed;                   /* [P][k][16] floats, or [P][ceil2(k) / 2][16][2] */
};

/*
 * weight_only_gemm: y[m][n] = activation(sum over k of x[m][k] * w[n][k] + bias[n]), or y += that,
 * for f32 activations and the weights of int8_gemm and int4_gemm, packed alike, here both of them
 * in groups if wanted: w(n, k) = (u - c) * w_scale. Panels are as above, and so is what threads may
 * share and what a row's result does not depend on.
 *
 * 8 bits: group by group from f = 0, and in a group from sum = 0: sum = fma(u - c, x[m][k], sum), k
 * from 0 up; f = fma(sum, w_scale, f).
 *
 * 4 bits: by 32 values of k, the last ones fewer, from f = 0. Their x are integers times a unit,
 * the smallest power of two, 2^-149 at least, for which the largest of |rint(x / unit)| is 0x7f7f7f
 * at most; an infinity among them makes the unit NaN, as a NaN does. sum = the exact sum of (u - c)
 * * rint(x / unit), rounded to a float; f = fma(sum * unit, w_scale, f). The error of that is half
 * a unit a weight, which is below 2^-22.9 of the largest |x| of the 32, and a rounding or two for
 * 32 values, where a chain of fused multiply-adds has 32 roundings of up to 2^-24 of its sum.
 *
 * Then y = f + bias, the activation (kernels/gemm/activations.h) and the addition to y. bias is 0
 * if NULL.
 *
 * The sizes of a call are checked, and pointers that must not be NULL.
 */
struct sinter_weight_only_gemm_args {
  int64_t m, n, k;                /* at least 1 */
  int64_t panel_begin, panel_end; /* the panels to compute: [panel_begin, panel_end) of [0, P) */

  const float *x;   /* [m][x_stride]; weight_only_bf16_gemm: bfloat16 values */
  int64_t x_stride; /* elements from row to row, at least k */

  const void *w;                /* packed by int8_pack or int4_pack */
  const void *w_scales;         /* [P][G][16] */
  const uint8_t *w_zero_points; /* [P][G][16], c, at most 15 for int4; NULL: all 128 or 8 */
  int64_t w_group;              /* 0, or a multiple of 32 */

  const float *bias; /* [n], with a gate [2][n], or NULL */
  float *y;          /* [m][y_stride]; must not overlap what is read */
  int64_t y_stride;  /* floats from row to row, at least n */

  int32_t bits;         /* of a weight, 4 or 8 */
  int32_t w_scale_type; /* SINTER_F32 or SINTER_F16 */
  int32_t activation;   /* as in sinter_gemm_args */
  int32_t accumulate;   /* not 0: y += */
  int32_t gate;         /* as in sinter_gemm_args */
};

/*
 * weight_only_bf16_gemm: the same for bfloat16 activations, which args->x points to.
 *
 * In f32, to which they are widened: group by group from f = 0, and in a group from sum = 0, by
 * pairs (k, k + 1), whose order in 8 values of k is 0, 2, 4, 6 for 8 bits and 0, 4, 2, 6 for 4
 * bits: sum = fma(u(k + 1) - c, x[m][k + 1], sum), then fma(u(k) - c, x[m][k], sum), x being 0 from
 * the end of the group to the next multiple of 8; then f = fma(sum, w_scale, f). The rest as above.
 * weight_only_bf16_gemm_avx512bf16 has the instruction for that, for which w, x, sum and the result
 * count as 0 if they are subnormal.
 */

/*
 * int8_block_gemm, int4_block_gemm, f32_block_gemm: int8_gemm, int4_gemm and f32_gemm with weights
 * of which whole blocks are zeros, 16 columns by 4 k (int4: 8 k), and are neither stored nor
 * multiplied. Panels, threads, what a row's result does not depend on and the order of the floats
 * are as there, and so are the results, bit for bit: those of the same weights with the zeros
 * filled in. But a block that is not there hides NaN and infinity of f32 activations, and of the
 * scales of a group all of whose blocks are not there.
 *
 * Panel p has blocks starts[p] to starts[p + 1], ascending by k; int4: group g of panel p those
 * from starts[p * G + g] to the next. sinter_block_list says whether lists are good; calls do not
 * check them.
 *
 * scratch: sinter_block_gemm_scratch(k, 1 or 4) bytes, aligned to 64, for one call at a time.
 * Filling it is work for each call and row, as much as that of a few blocks a quad: a call should
 * have panels enough.
 *
 * int4: k <= (2^31 - 1) / (a * 128), a as for int4_gemm, since sums are 16 times as large.
 */
struct sinter_block_gemm_args {
  struct sinter_gemm_args gemm; /* w: [blocks][16][4] signed bytes, or as int4_block_gemm.h draws
                                   them; w_sums: [P][16], the sums of w, not NULL; int4: not read;
                                   w_zero_points: NULL; x_group and gate: 0 */
  const int64_t *starts;        /* [P + 1], int4: [P * G + 1] */
  const uint16_t *quads;        /* [blocks], k / 4, int4: k / 8 */
  void *scratch;
};

struct sinter_f32_block_gemm_args {
  struct sinter_float_gemm_args gemm; /* w: [blocks][4][16]; k: at most SINTER_BLOCK_MAX_K;
                                       gate: 0 */
  const int64_t *starts;
  const uint16_t *quads;
  void *scratch;
};

#define SINTER_BLOCK_MAX_K 262144 /* quads fit 16 bits */

/* The bytes of scratch memory for activations of that many bytes. */
SINTER_API int64_t sinter_block_gemm_scratch(int64_t k, int64_t element_bytes);

/*
 * SINTER_OK, or SINTER_INVALID_ARGUMENT if starts do not begin at 0 and ascend, or the blocks of a
 * list do not ascend within their group.
 *
 *   group  0, or a multiple of 32: values along k that have a list of their own
 *   width  of a block: 4 or 8
 */
SINTER_API int32_t sinter_block_list(int64_t n, int64_t k, int64_t group, int64_t width,
                                     const int64_t *starts, const uint16_t *quads);

/*
 * int8_block_pack, int4_block_pack, f32_block_pack: row-major weights to blocks, those with any
 * weight but 0. Without quads only starts are written, which says how many blocks there are; with
 * them, starts are read. Codes outside -8 to 7 (int4) are an invalid argument.
 */
struct sinter_block_pack_args {
  const void *weights; /* [n][stride], f32, or int8 and int4 codes one a byte */
  int64_t stride;      /* elements from row to row, at least k */
  int64_t n, k;        /* at least 1; k at most SINTER_BLOCK_MAX_K */
  int64_t group;       /* of int4: 0, or a multiple of 32; else 0 */
  int64_t *starts;     /* [P + 1], int4: [P * G + 1] */
  uint16_t *quads;     /* [blocks], or NULL */
  void *w;             /* the weights of a call; not NULL with quads */
  int32_t *w_sums;     /* [P][16], of int8, not NULL with quads */
};

/*
 * f32_sell_gemm: f32_gemm with weights of which any are zeros, as f32_block_gemm is, but that
 * panel p has steps starts[p] to starts[p + 1], of 16 weights each, one of each column, in
 * gemm.w, and quads are their k: both [steps][16]. Weights of 0 fill up shorter columns, with
 * the k of the last one, and make a NaN of an infinite sum; columns without any take one of x[0].
 * k: at most SINTER_SELL_MAX_K. sinter_sell_list says whether starts and quads are good; calls do
 * not check them.
 *
 * f32_sell_pack: as f32_block_pack, counting steps.
 */
#define SINTER_SELL_MAX_K 65536 /* k fits 16 bits */

/* SINTER_OK, or SINTER_INVALID_ARGUMENT if starts do not begin at 0 and ascend, or a k is too
 * large. */
SINTER_API int32_t sinter_sell_list(int64_t n, int64_t k, const int64_t *starts,
                                    const uint16_t *quads);

/*
 * int8_sell_gemm: int8_gemm with weights of which any are zeros, as int8_block_gemm is, but that
 * panel p has steps starts[p] to starts[p + 1], quads say where each begins along k, and w is
 * [steps][SINTER_SELL_STEP] bytes, as int8_sell_pack packs it; scratch may be NULL, and x is read
 * up to k rounded up to 32. w_sums: [2][P][16], behind the sums those of the weights below 0. k: at
 * most SINTER_SELL_MAX_K. sinter_int8_sell_list says whether starts and quads are good.
 */
#define SINTER_SELL_STEP 96

SINTER_API int32_t sinter_int8_sell_list(int64_t n, int64_t k, const int64_t *starts,
                                         const uint16_t *quads);

/*
 * int8_2of4_gemm: int8_gemm with weights of which of every four along k two at least are zeros, as
 * int8_block_gemm is, but starts and quads are not used and may be NULL. gemm.w is packed by
 * int8_2of4_pack: [P][ceil(k / 32)][SINTER_2OF4_BLOCK] bytes.
 *
 * int8_2of4_pack: w_sums are the sums of w. More than two weights of a quad that are not zero are
 * an invalid argument.
 */
#define SINTER_2OF4_BLOCK 320 /* bytes of 32 k of a panel */

/*
 * group_sums: the x_sums of a call.
 *
 *   first, rows  rows first to first + rows are summed, all others left alone
 *   codes        rows of `stride` bytes, stride >= k
 *   zero_points  ceil(k / x_group) a row, or NULL for 0
 *   x_group      values along k that share a zero point, 0: all k; a multiple of step
 *   step         values along k that share a sum, 0: all k
 *   sums         ceil(k / step) a row
 */
#define SINTER_DECLARE_group_sums(isa)                                             \
  SINTER_API int32_t sinter_group_sums_##isa(                                      \
      const int8_t *codes, int64_t first, int64_t rows, int64_t k, int64_t stride, \
      const int32_t *zero_points, int64_t x_group, int64_t step, int32_t *sums);
#define SINTER_DECLARE_int8_pack(isa) \
  SINTER_API int32_t sinter_int8_pack_##isa(const struct sinter_pack_args *args);
#define SINTER_DECLARE_ternary_pack(isa) \
  SINTER_API int32_t sinter_ternary_pack_##isa(const struct sinter_pack_args *args);
#define SINTER_DECLARE_binary_pack(isa) \
  SINTER_API int32_t sinter_binary_pack_##isa(const struct sinter_pack_args *args);
#define SINTER_DECLARE_int4_pack(isa) \
  SINTER_API int32_t sinter_int4_pack_##isa(const struct sinter_pack_args *args);
#define SINTER_DECLARE_int8_gemm(isa) \
  SINTER_API int32_t sinter_int8_gemm_##isa(const struct sinter_gemm_args *args);
#define SINTER_DECLARE_ternary_gemm(isa) \
  SINTER_API int32_t sinter_ternary_gemm_##isa(const struct sinter_gemm_args *args);
#define SINTER_DECLARE_binary_gemm(isa) \
  SINTER_API int32_t sinter_binary_gemm_##isa(const struct sinter_gemm_args *args);
#define SINTER_DECLARE_int4_gemm(isa) \
  SINTER_API int32_t sinter_int4_gemm_##isa(const struct sinter_gemm_args *args);
#define SINTER_DECLARE_f32_pack(isa) \
  SINTER_API int32_t sinter_f32_pack_##isa(const struct sinter_float_pack_args *args);
#define SINTER_DECLARE_f32_gemm(isa) \
  SINTER_API int32_t sinter_f32_gemm_##isa(const struct sinter_float_gemm_args *args);
#define SINTER_DECLARE_bf16_pack(isa) \
  SINTER_API int32_t sinter_bf16_pack_##isa(const struct sinter_float_pack_args *args);
#define SINTER_DECLARE_bf16_gemm(isa) \
  SINTER_API int32_t sinter_bf16_gemm_##isa(const struct sinter_float_gemm_args *args);
#define SINTER_DECLARE_bf16_weights_gemm(isa) \
  SINTER_API int32_t sinter_bf16_weights_gemm_##isa(const struct sinter_float_gemm_args *args);
#define SINTER_DECLARE_int8_block_pack(isa) \
  SINTER_API int32_t sinter_int8_block_pack_##isa(const struct sinter_block_pack_args *args);
#define SINTER_DECLARE_int8_block_gemm(isa) \
  SINTER_API int32_t sinter_int8_block_gemm_##isa(const struct sinter_block_gemm_args *args);
#define SINTER_DECLARE_int8_2of4_pack(isa) \
  SINTER_API int32_t sinter_int8_2of4_pack_##isa(const struct sinter_pack_args *args);
#define SINTER_DECLARE_int8_2of4_gemm(isa) \
  SINTER_API int32_t sinter_int8_2of4_gemm_##isa(const struct sinter_block_gemm_args *args);
#define SINTER_DECLARE_int8_sell_pack(isa) \
  SINTER_API int32_t sinter_int8_sell_pack_##isa(const struct sinter_block_pack_args *args);
#define SINTER_DECLARE_int8_sell_gemm(isa) \
  SINTER_API int32_t sinter_int8_sell_gemm_##isa(const struct sinter_block_gemm_args *args);
#define SINTER_DECLARE_int4_block_pack(isa) \
  SINTER_API int32_t sinter_int4_block_pack_##isa(const struct sinter_block_pack_args *args);
#define SINTER_DECLARE_int4_block_gemm(isa) \
  SINTER_API int32_t sinter_int4_block_gemm_##isa(const struct sinter_block_gemm_args *args);
#define SINTER_DECLARE_f32_block_pack(isa) \
  SINTER_API int32_t sinter_f32_block_pack_##isa(const struct sinter_block_pack_args *args);
#define SINTER_DECLARE_f32_block_gemm(isa) \
  SINTER_API int32_t sinter_f32_block_gemm_##isa(const struct sinter_f32_block_gemm_args *args);
#define SINTER_DECLARE_f32_sell_pack(isa) \
  SINTER_API int32_t sinter_f32_sell_pack_##isa(const struct sinter_block_pack_args *args);
#define SINTER_DECLARE_f32_sell_gemm(isa) \
  SINTER_API int32_t sinter_f32_sell_gemm_##isa(const struct sinter_f32_block_gemm_args *args);
#define SINTER_DECLARE_weight_only_gemm(isa) \
  SINTER_API int32_t sinter_weight_only_gemm_##isa(const struct sinter_weight_only_gemm_args *args);
#define SINTER_DECLARE_weight_only_bf16_gemm(isa)        \
  SINTER_API int32_t sinter_weight_only_bf16_gemm_##isa( \
      const struct sinter_weight_only_gemm_args *args);

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
