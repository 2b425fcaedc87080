#include "attention_args.h"

#include <cfloat>

namespace {

constexpr int64_t most = INT32_MAX;  // so that no product of two sizes overflows

bool sizes(const sinter_cached_attention_args &a) {
  return a.rows >= 1 && a.rows <= SINTER_KV_ROWS && a.group >= 1 &&
         a.group <= SINTER_KV_MAX_GROUP && a.head_dim >= 1 &&
         a.head_dim <= SINTER_KV_MAX_HEAD_DIM && a.scratch != nullptr;
}

bool queries(const sinter_cached_attention_args &a) {
  return a.q != nullptr && a.q_stride >= a.group * a.head_dim && a.q_stride <= most &&
         a.position >= 0 && a.position <= most && a.window >= 0 && a.window <= most &&
         a.page_offset >= 0 && a.page_offset % 64 == 0 && a.scale >= -FLT_MAX &&
         a.scale <= FLT_MAX && a.soft_cap >= 0 && a.soft_cap <= FLT_MAX &&
         a.kv_type >= SINTER_KV_F32 && a.kv_type <= SINTER_KV_INT8;
}

bool result(const sinter_cached_attention_args &a) {
  return a.out != nullptr && a.out_stride >= a.group * a.head_dim && a.out_stride <= most;
}

}  // namespace

// As CachedAttention of kernels/cached_attention/cached_attention.h lays it out.
int64_t sinter_cached_attention_scratch(int64_t head_dim) {
  constexpr int64_t rows = 32;
  const int64_t queries = head_dim + head_dim % 2 + 1;
  const int64_t scores = SINTER_KV_SEGMENT_TOKENS + 16;
  const int64_t records = 2 * sinter_cached_attention_part(1, head_dim);
  return static_cast<int64_t>(sizeof(float)) * rows * (queries + scores + records);
}

int64_t sinter_cached_attention_part(int64_t group, int64_t head_dim) {
  return group * ((head_dim + 15) / 16 * 16 + 16);
}

namespace sinter {

bool valid_cached_attention(const sinter_cached_attention_args *args, const void *const *pages) {
  return args != nullptr && pages != nullptr && sizes(*args) && queries(*args) && result(*args);
}

bool valid_cached_attention_segment(const sinter_cached_attention_args *args,
                                    const void *const *pages, int64_t segment, const float *parts,
                                    int64_t at) {
  if (args == nullptr || pages == nullptr || parts == nullptr || at < 0 || !sizes(*args) ||
      !queries(*args) || args->rows != 1) {
    return false;
  }
  const bool bounded = args->window != 0 && args->position >= args->window;
  const int64_t first = bounded ? args->position - args->window + 1 : 0;
  return segment >= first / SINTER_KV_SEGMENT_TOKENS &&
         segment <= args->position / SINTER_KV_SEGMENT_TOKENS;
}

bool valid_cached_attention_merge(const sinter_cached_attention_args *args, const float *parts,
                                  int64_t at, int64_t stride, int64_t count) {
  return args != nullptr && sizes(*args) && result(*args) && args->rows == 1 && parts != nullptr &&
         at >= 0 && count >= 1 && count <= most && stride <= most &&
         stride >= sinter_cached_attention_part(args->group, args->head_dim);
}

}  // namespace sinter
