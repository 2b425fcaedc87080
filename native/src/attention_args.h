// What cached_attention refuses: sizes that sinter.h rules out, and missing buffers. Whether a
// buffer is large enough nobody can tell here.
#ifndef SINTER_ATTENTION_ARGS_H
#define SINTER_ATTENTION_ARGS_H

#include "sinter.h"

namespace sinter {

bool valid_cached_attention(const sinter_cached_attention_args *args, const void *const *pages);
bool valid_cached_attention_segment(const sinter_cached_attention_args *args,
                                    const void *const *pages, int64_t segment, const float *parts,
                                    int64_t at);
bool valid_cached_attention_merge(const sinter_cached_attention_args *args, const float *parts,
                                  int64_t at, int64_t stride, int64_t count);

}  // namespace sinter

#endif
