// Row-major weights to the blocks that block_gemm.h draws: those that are not all zeros.
//
// Alignment: none. Over-read: none. Tails: weights past n and k are zeros in a block, and none by
// themselves. Overflow: the entry bounds k.
#ifndef SINTER_BLOCK_PACK_H
#define SINTER_BLOCK_PACK_H

#include <cstring>

#include "gemm/block_gemm.h"

namespace {

// Blocks of 16 columns by `width` k, `bytes` of them when packed.
template <class Weight, int64_t width, int64_t bytes>
class Blocks {
 public:
  explicit Blocks(const sinter_block_pack_args &args)
      : a(args),
        group(a.group == 0 ? a.k : a.group),
        groups(divide_up(a.k, group)),
        lists(divide_up(a.n, panel_columns) * groups) {}

  // starts of all lists
  void count() const {
    a.starts[0] = 0;
    for (int64_t list = 0; list < lists; list++) {
      int64_t blocks = 0;
      each_present(list, [&](int64_t) { blocks++; });
      a.starts[list + 1] = a.starts[list] + blocks;
    }
  }

  // quads, and weights by store(packed block, column, k, weight), both counted in the block
  template <class Store>
  void fill(Store store) const {
    for (int64_t list = 0; list < lists; list++) {
      int64_t block = a.starts[list];
      each_present(list, [&](int64_t place) {
        a.quads[block] = static_cast<uint16_t>(place);
        uint8_t *const w = static_cast<uint8_t *>(a.w) + bytes * block++;
        std::memset(w, 0, bytes);
        each_weight(list, place, [&](int64_t c, int64_t k, Weight v) { store(w, c, k, v); });
      });
    }
  }

 private:
  template <class F>
  void each_weight(int64_t list, int64_t place, F f) const {
    const int64_t column = list / groups * panel_columns;
    const int64_t first = place * width;
    const Weight *const w = static_cast<const Weight *>(a.weights) + column * a.stride + first;
    for (int64_t c = 0; c < panel_columns && column + c < a.n; c++) {
      for (int64_t k = 0; k < width && first + k < a.k; k++) {
        f(c, k, w[c * a.stride + k]);
      }
    }
  }

  template <class F>
  void each_present(int64_t list, F f) const {
    const int64_t begin = list % groups * group;
    const int64_t end = begin + group < a.k ? begin + group : a.k;
    for (int64_t place = begin / width; place < divide_up(end, width); place++) {
      bool present = false;
      each_weight(list, place, [&](int64_t, int64_t, Weight v) { present |= v != 0; });
      if (present) {
        f(place);
      }
    }
  }

  const sinter_block_pack_args &a;
  int64_t group;
  int64_t groups;
  int64_t lists;
};

}  // namespace

#endif
