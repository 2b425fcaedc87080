#include "gemm_args.h"

namespace {

constexpr int64_t most = INT32_MAX;  // so that no product of two sizes overflows

bool size(int64_t v) { return v >= 1 && v <= most; }

int64_t padded(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

bool panels(int64_t begin, int64_t end, int64_t n, int64_t columns = SINTER_GEMM_PANEL) {
  return 0 <= begin && begin <= end && end <= padded(n, columns) / columns;
}

bool group(int64_t v) { return v >= 0 && v <= most && v % SINTER_GEMM_BLOCK_K == 0; }

// The k for which a sum of products of |a| and |b| at most fits int32.
bool sum_fits(int64_t k, int64_t a, int64_t b) { return k <= most / (a * b); }

bool scale_type(int32_t v) { return v == SINTER_F32 || v == SINTER_F16; }

bool groups(const sinter_gemm_args &a, int bits) {
  if (bits == 8) {
    return a.w_group == 0 && a.x_group == 0 && a.w_scale_type == SINTER_F32;
  }
  if (!group(a.w_group) || !group(a.x_group) || !scale_type(a.w_scale_type)) {
    return false;
  }
  return a.w_group == 0 || a.x_group == 0 || a.w_group % a.x_group == 0 ||
         a.x_group % a.w_group == 0;
}

// The largest |u - c|; for ternary and binary more, which sums of single planes need (see
// kernels/gemm/narrow_gemm.h): 128 and 8 at most, for a quarter of k.
int64_t largest_weight(int bits, bool zero_points) {
  switch (bits) {
    case 1:
      return 2;
    case 2:
      return 32;
    default:
      return zero_points ? (1 << bits) - 1 : 1 << (bits - 1);
  }
}

// Which panels, and what becomes of their sums.
template <class Args>
bool results(const Args &a) {
  const bool gated = a.gate == 1;
  return (gated ? a.accumulate == 0 : a.gate == 0) &&
         panels(a.panel_begin, a.panel_end, a.n, gated ? SINTER_GATE_COLUMNS : SINTER_GEMM_PANEL) &&
         a.activation >= SINTER_NO_ACTIVATION && a.activation <= SINTER_SILU && a.y != nullptr &&
         a.y_stride >= a.n && a.y_stride <= most;
}

}  // namespace

namespace sinter {

bool valid_gemm(const sinter_gemm_args &a, int bits) {
  if (!size(a.m) || !size(a.n) || !size(a.k) || !results(a) ||
      a.x_stride < padded(a.k, SINTER_GEMM_BLOCK_K) || a.x_stride > most || !groups(a, bits)) {
    return false;
  }
  const int64_t x_most = a.x_zero_points == nullptr ? 128 : 255;
  if (!sum_fits(a.k, x_most, largest_weight(bits, a.w_zero_points != nullptr)) ||
      (bits < 4 && a.w_zero_points != nullptr)) {
    return false;
  }
  return a.x != nullptr && a.x_scales != nullptr && a.x_sums != nullptr && a.w != nullptr &&
         a.w_scales != nullptr && (a.x_zero_points == nullptr || a.w_sums != nullptr);
}

bool valid_pack(const sinter_pack_args &a, int bits) {
  return size(a.n) && size(a.k) && panels(a.panel_begin, a.panel_end, a.n) && a.stride >= a.k &&
         a.stride <= most && (bits == 8 ? a.step == 0 : group(a.step)) && sum_fits(a.k, 1, 255) &&
         a.codes != nullptr && a.w != nullptr;
}

bool valid_float_gemm(const sinter_float_gemm_args &a, int64_t together) {
  return size(a.m) && size(a.n) && size(a.k) && results(a) && a.x_stride >= padded(a.k, together) &&
         a.x_stride <= most && a.x != nullptr && a.w != nullptr;
}

bool valid_weight_only_gemm(const sinter_weight_only_gemm_args &a) {
  return size(a.m) && size(a.n) && size(a.k) && results(a) && a.x_stride >= a.k &&
         a.x_stride <= most && (a.bits == 4 || a.bits == 8) && group(a.w_group) &&
         scale_type(a.w_scale_type) && a.x != nullptr && a.w != nullptr && a.w_scales != nullptr;
}

bool valid_float_pack(const sinter_float_pack_args &a) {
  return size(a.n) && size(a.k) && panels(a.panel_begin, a.panel_end, a.n) && a.stride >= a.k &&
         a.stride <= most && a.w != nullptr && a.packed != nullptr;
}

namespace {

bool valid_sparse_int8(const sinter_gemm_args &a) {
  return valid_gemm(a, 8) && a.gate == 0 && a.w_zero_points == nullptr && a.w_sums != nullptr;
}

}  // namespace

bool valid_2of4_gemm(const sinter_block_gemm_args &a) {
  return valid_sparse_int8(a.gemm) && a.scratch != nullptr;
}

bool valid_int8_sell_gemm(const sinter_block_gemm_args &a) {
  return valid_sparse_int8(a.gemm) && a.gemm.k <= SINTER_SELL_MAX_K && a.starts != nullptr &&
         a.quads != nullptr;
}

bool valid_block_gemm(const sinter_block_gemm_args &a) {
  return valid_2of4_gemm(a) && a.starts != nullptr && a.quads != nullptr;
}

bool valid_int4_block_gemm(const sinter_block_gemm_args &a) {
  return valid_gemm(a.gemm, 4) && a.gemm.gate == 0 && a.gemm.w_zero_points == nullptr &&
         a.gemm.x_group == 0 &&
         sum_fits(a.gemm.k, a.gemm.x_zero_points == nullptr ? 128 : 255, 8 * 16) &&
         a.starts != nullptr && a.quads != nullptr && a.scratch != nullptr;
}

bool valid_f32_block_gemm(const sinter_f32_block_gemm_args &a) {
  return valid_float_gemm(a.gemm, 1) && a.gemm.gate == 0 && a.gemm.k <= SINTER_BLOCK_MAX_K &&
         a.starts != nullptr && a.quads != nullptr && a.scratch != nullptr;
}

bool valid_block_pack(const sinter_block_pack_args &a, int bits) {
  return size(a.n) && size(a.k) && a.k <= SINTER_BLOCK_MAX_K && a.stride >= a.k &&
         a.stride <= most && (bits == 4 ? group(a.group) : a.group == 0) && a.weights != nullptr &&
         a.starts != nullptr &&
         (a.quads == nullptr || (a.w != nullptr && (a.w_sums != nullptr || bits != 8)));
}

bool valid_group_sums(const int8_t *codes, int64_t first, int64_t rows, int64_t k, int64_t stride,
                      int64_t x_group, int64_t step, const int32_t *sums) {
  return codes != nullptr && sums != nullptr && first >= 0 && size(rows) && size(k) &&
         stride >= k && stride <= most && step >= 0 && x_group >= 0 &&
         (x_group == 0 || (step != 0 && x_group % step == 0)) && sum_fits(k, 1, 255);
}

}  // namespace sinter
