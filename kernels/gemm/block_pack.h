// Row-major weights to the blocks that block_gemm.h draws: those that are not all zeros.
//
// Alignment: none. Over-read: none. Tails: weights past n and k are zeros in a block, and none by
// themselves. Overflow: the entry bounds k.
#ifndef SINTER_BLOCK_PACK_H
#define SINTER_BLOCK_PACK_H

#include "gemm/block_gemm.h"

namespace {

template <class Weight>
class Blocks {
 public:
  explicit Blocks(const sinter_block_pack_args &args)
      : a(args), panels(divide_up(a.n, panel_columns)), quads(divide_up(a.k, quad_k)) {}

  // starts of all panels
  void count() const {
    a.starts[0] = 0;
    for (int64_t panel = 0; panel < panels; panel++) {
      int64_t blocks = 0;
      each_present(panel, [&](int64_t) { blocks++; });
      a.starts[panel + 1] = a.starts[panel] + blocks;
    }
  }

  // quads and weights, the one of column c and k being place(c, k) in its block
  template <class Place>
  void fill(Place place) const {
    for (int64_t panel = 0; panel < panels; panel++) {
      int64_t block = a.starts[panel];
      each_present(panel, [&](int64_t quad) {
        a.quads[block] = static_cast<uint16_t>(quad);
        Weight *const w = static_cast<Weight *>(a.w) + block_weights * block++;
        for (int64_t i = 0; i < block_weights; i++) {
          w[i] = 0;
        }
        each_weight(panel, quad, [&](int64_t c, int64_t k, Weight v) { w[place(c, k)] = v; });
      });
    }
  }

 private:
  template <class F>
  void each_weight(int64_t panel, int64_t quad, F f) const {
    const int64_t column = panel * panel_columns;
    const int64_t first = quad * quad_k;
    const Weight *const w = static_cast<const Weight *>(a.weights) + column * a.stride + first;
    for (int64_t c = 0; c < panel_columns && column + c < a.n; c++) {
      for (int64_t k = 0; k < quad_k && first + k < a.k; k++) {
        f(c, k, w[c * a.stride + k]);
      }
    }
  }

  template <class F>
  void each_present(int64_t panel, F f) const {
    for (int64_t quad = 0; quad < quads; quad++) {
      bool present = false;
      each_weight(panel, quad, [&](int64_t, int64_t, Weight v) { present |= v != 0; });
      if (present) {
        f(quad);
      }
    }
  }

  const sinter_block_pack_args &a;
  int64_t panels;
  int64_t quads;
};

}  // namespace

#endif
