// What quantize_rows and norm_rows refuse: sizes that sinter.h rules out, and missing buffers.
// Whether a buffer is large enough nobody can tell here, nor do indices get read.
#ifndef SINTER_ROW_ARGS_H
#define SINTER_ROW_ARGS_H

#include "sinter.h"

namespace sinter {

// Groups of a row.
int64_t groups(const sinter_quantize_format &format);

bool valid_quantize(const sinter_quantize_format *format, int64_t first, int64_t rows,
                    const void *codes, int64_t stride, const float *scales,
                    const int32_t *zero_points, const int32_t *sums);
bool valid_norm(const sinter_norm *norm, const float *x, int64_t first, int64_t rows);

}  // namespace sinter

#endif
