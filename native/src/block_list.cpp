// What the block-sparse matmuls need besides their kernels: scratch memory, and lists that are
// good.
#include <algorithm>

#include "sinter.h"

namespace {

constexpr int64_t tile_rows = 16;  // the most that any instruction set has
constexpr int64_t widest = 8;      // block
constexpr int64_t window_k = 16;   // of int8_sell_gemm

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Steps of panels, each with so many places of at most `last`.
bool steps_are_good(int64_t n, int64_t k, const int64_t *starts, const uint16_t *quads,
                    int64_t places, int64_t last) {
  if (n < 1 || k < 1 || k > SINTER_SELL_MAX_K || starts == nullptr || quads == nullptr ||
      starts[0] != 0) {
    return false;
  }
  const int64_t panels = divide_up(n, SINTER_GEMM_PANEL);
  for (int64_t panel = 0; panel < panels; panel++) {
    const int64_t steps = starts[panel + 1] - starts[panel];
    if (steps < 0 || steps > k) {
      return false;
    }
  }
  const uint16_t *const end = quads + places * starts[panels];
  return std::all_of(quads, end, [=](uint16_t place) { return place <= last; });
}

}  // namespace

int64_t sinter_block_gemm_scratch(int64_t k, int64_t element_bytes) {
  return divide_up(k, widest) * widest * element_bytes * tile_rows;
}

int32_t sinter_block_list(int64_t n, int64_t k, int64_t group, int64_t width, const int64_t *starts,
                          const uint16_t *quads) {
  if (n < 1 || k < 1 || k > SINTER_BLOCK_MAX_K || group < 0 || group % SINTER_GEMM_BLOCK_K != 0 ||
      (width != 4 && width != 8) || starts == nullptr || quads == nullptr || starts[0] != 0) {
    return SINTER_INVALID_ARGUMENT;
  }
  const int64_t length = group == 0 ? k : group;
  const int64_t groups = divide_up(k, length);
  const int64_t lists = divide_up(n, SINTER_GEMM_PANEL) * groups;
  for (int64_t list = 0; list < lists; list++) {
    int64_t least = list % groups * length / width;
    const int64_t end = divide_up(std::min(k, (list % groups + 1) * length), width);
    const int64_t blocks = starts[list + 1] - starts[list];
    if (blocks < 0 || blocks > end - least) {
      return SINTER_INVALID_ARGUMENT;
    }
    for (int64_t block = starts[list]; block < starts[list + 1]; block++) {
      if (quads[block] < least || quads[block] >= end) {
        return SINTER_INVALID_ARGUMENT;
      }
      least = int64_t{quads[block]} + 1;
    }
  }
  return SINTER_OK;
}

int32_t sinter_sell_list(int64_t n, int64_t k, const int64_t *starts, const uint16_t *quads) {
  return steps_are_good(n, k, starts, quads, SINTER_GEMM_PANEL, k - 1) ? SINTER_OK
                                                                       : SINTER_INVALID_ARGUMENT;
}

int32_t sinter_int8_sell_list(int64_t n, int64_t k, const int64_t *starts, const uint16_t *quads) {
  const int64_t readable = divide_up(k, SINTER_GEMM_BLOCK_K) * SINTER_GEMM_BLOCK_K;
  return steps_are_good(n, k, starts, quads, 1, readable - window_k) ? SINTER_OK
                                                                     : SINTER_INVALID_ARGUMENT;
}
