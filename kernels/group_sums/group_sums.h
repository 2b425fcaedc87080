// Sums of activation codes by steps of k; native/include/sinter.h says what it computes.
//
// Layout: codes [rows][stride] bytes, sums [rows][steps]. Alignment: none. Over-read: none.
// Overflow: a step's sum of q - z is below 255 * k, and the entry bounds k. Tails: the last step
// ends at k. The loop is the compiler's to vectorize, for each instruction set.
#ifndef SINTER_GROUP_SUMS_H
#define SINTER_GROUP_SUMS_H

#include <cstdint>

namespace {

inline void group_sums(const int8_t *codes, int64_t rows, int64_t k, int64_t stride,
                       const int32_t *zero_points, int64_t x_group, int64_t step, int32_t *sums) {
  for (int64_t r = 0; r < rows; r++, codes += stride) {
    for (int64_t begin = 0; begin < k; begin += step) {
      const int64_t end = begin + step < k ? begin + step : k;
      int32_t sum = 0;
      for (int64_t i = begin; i < end; i++) {
        sum += codes[i];
      }
      if (zero_points != nullptr) {
        const int64_t groups = (k + x_group - 1) / x_group;
        sum -= zero_points[r * groups + begin / x_group] * static_cast<int32_t>(end - begin);
      }
      *sums++ = sum;
    }
  }
}

}  // namespace

// Defines sinter::group_sums_<isa>.
#define SINTER_DEFINE_GROUP_SUMS(isa)                                                 \
  namespace sinter {                                                                  \
  void group_sums_##isa(const int8_t *codes, int64_t rows, int64_t k, int64_t stride, \
                        const int32_t *zero_points, int64_t x_group, int64_t step,    \
                        int32_t *sums) {                                              \
    group_sums(codes, rows, k, stride, zero_points, x_group, step, sums);             \
  }                                                                                   \
  }

#endif
