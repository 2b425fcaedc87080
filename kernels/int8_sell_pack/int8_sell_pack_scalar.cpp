// int8 weights, row-major, to the steps that the head of int8_sell_gemm.h draws, with the sums of
// the weights.
//
// Alignment: none. Over-read: none. Tails: columns past n have no weights. Overflow: the entry
// bounds k.
#include <algorithm>
#include <cstring>

#include "gemm/gemm.h"

namespace {

constexpr int64_t slots = 4;  // of a column in a step
constexpr int64_t window_k = 16;
constexpr int64_t places_bytes = 32;
constexpr int64_t step_bytes = places_bytes + slots * panel_columns;

// A panel's columns, from step to step.
class Columns {
 public:
  Columns(const sinter_block_pack_args &args, int64_t panel)
      : a(args),
        w(static_cast<const int8_t *>(args.weights) + panel * panel_columns * args.stride),
        count(std::min(panel_columns, args.n - panel * panel_columns)),
        last_window(divide_up(args.k, SINTER_GEMM_BLOCK_K) * SINTER_GEMM_BLOCK_K - window_k) {
    for (int64_t c = 0; c < count; c++) {
      skip_zeros(c);
    }
  }

  // Where the next step's window begins; false if there is none.
  bool find_window() {
    const int64_t first = *std::min_element(next, next + count);
    window = std::min(first, last_window);
    return first < a.k;
  }

  // Takes what of the step is in its window, and writes it unless there is nowhere to.
  void take(uint8_t *step) {
    for (int64_t c = 0; c < count; c++) {
      for (int64_t slot = 0; slot < slots && next[c] < std::min(a.k, window + window_k); slot++) {
        if (step != nullptr) {
          const auto place = static_cast<unsigned>(next[c] - window);
          step[c % 8 * slots + slot] |= static_cast<uint8_t>(place << (c / 8 * 4));
          step[places_bytes + c * slots + slot] = static_cast<uint8_t>(w[c * a.stride + next[c]]);
        }
        next[c]++;
        skip_zeros(c);
      }
    }
  }

  int64_t window = 0;

 private:
  void skip_zeros(int64_t c) {
    const int8_t *const row = w + c * a.stride;
    while (next[c] < a.k && row[next[c]] == 0) {
      next[c]++;
    }
  }

  const sinter_block_pack_args &a;
  const int8_t *w;
  int64_t count;
  int64_t last_window;
  int64_t next[panel_columns] = {};  // weight that is not zero, or k
};

void add_up(const sinter_block_pack_args &a) {
  const int64_t columns = divide_up(a.n, panel_columns) * panel_columns;
  for (int64_t n = 0; n < columns; n++) {
    int32_t all = 0;
    int32_t negative = 0;
    for (int64_t k = 0; n < a.n && k < a.k; k++) {
      const int32_t w = static_cast<const int8_t *>(a.weights)[n * a.stride + k];
      all += w;
      negative += std::min(w, 0);
    }
    a.w_sums[n] = all;
    a.w_sums[columns + n] = negative;
  }
}

}  // namespace

namespace sinter {

void int8_sell_pack_scalar(const sinter_block_pack_args &a) {
  if (a.quads != nullptr) {
    add_up(a);
  }
  int64_t step = 0;
  for (int64_t panel = 0; panel < divide_up(a.n, panel_columns); panel++) {
    if (a.quads == nullptr) {
      a.starts[panel] = step;
    }
    for (Columns columns(a, panel); columns.find_window(); step++) {
      uint8_t *w = nullptr;
      if (a.quads != nullptr) {
        w = static_cast<uint8_t *>(a.w) + step_bytes * step;
        std::memset(w, 0, step_bytes);
        a.quads[step] = static_cast<uint16_t>(columns.window);
      }
      columns.take(w);
    }
  }
  if (a.quads == nullptr) {
    a.starts[divide_up(a.n, panel_columns)] = step;
  }
}

}  // namespace sinter
