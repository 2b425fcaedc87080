#include "row_args.h"

#include <cfloat>

namespace {

constexpr int64_t most = INT32_MAX;  // so that no product of two sizes overflows

bool row_count(int64_t first, int64_t rows) {
  return first >= 0 && first <= most && rows >= 0 && rows <= most;
}

bool width(int64_t k) { return k >= 1 && k <= SINTER_QUANTIZE_ROWS_MAX_K; }

}  // namespace

namespace sinter {

int64_t groups(const sinter_quantize_format &format) {
  return format.group == 0 ? 1 : (format.k + format.group - 1) / format.group;
}

bool valid_quantize(const sinter_quantize_format *format, int64_t first, int64_t rows,
                    const void *codes, int64_t stride, const float *scales,
                    const int32_t *zero_points, const int32_t *sums) {
  return format != nullptr && width(format->k) && format->group >= 0 && format->group <= most &&
         format->codes >= SINTER_CODES_U8 && format->codes <= SINTER_CODES_S8Z &&
         row_count(first, rows) && stride >= format->k && stride <= most && codes != nullptr &&
         scales != nullptr && zero_points != nullptr && sums != nullptr;
}

bool valid_norm(const sinter_norm *norm, const float *x, int64_t first, int64_t rows) {
  return norm != nullptr && width(norm->k) && norm->gamma != nullptr && norm->beta != nullptr &&
         norm->epsilon >= 0 && norm->epsilon <= FLT_MAX && norm->kind >= SINTER_LAYER_NORM &&
         norm->kind <= SINTER_RMS_NORM && row_count(first, rows) && x != nullptr;
}

}  // namespace sinter
