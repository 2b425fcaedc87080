// An 8 x 8 block of floats transposed in AVX registers, times a factor: three rounds of shuffles,
// by one, two and four lanes.
#ifndef SINTER_TRANSPOSE_8X8_H
#define SINTER_TRANSPOSE_8X8_H

#include <immintrin.h>

#include <cstdint>

namespace {

struct Transpose8x8 {
  static void transpose_8x8(const float *from, int64_t stride, float factor, float *to,
                            int64_t to_stride) {
    __m256 row[8];
    __m256 half[8];
    for (int i = 0; i < 8; i++) {
      row[i] = _mm256_mul_ps(_mm256_loadu_ps(from + i * stride), _mm256_set1_ps(factor));
    }
    for (int i = 0; i < 8; i += 2) {
      half[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
      half[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      row[i] = _mm256_shuffle_ps(half[i], half[i + 2], 0x44);
      row[i + 1] = _mm256_shuffle_ps(half[i], half[i + 2], 0xee);
      row[i + 2] = _mm256_shuffle_ps(half[i + 1], half[i + 3], 0x44);
      row[i + 3] = _mm256_shuffle_ps(half[i + 1], half[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
      _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x20));
      _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x31));
    }
  }
};

}  // namespace

#endif
