// w8a8 matmul; native/include/sinter.h says what it computes.
//
// Weights [N/16][K/4][16][4] unsigned bytes: a panel of 16 columns, in it quads of k, in a quad 4
// bytes of each column. K is padded to 32 and N to 16 with zero bytes, which add nothing.
//
//   panel 0:  quad 0: n0 k0..3 | n1 k0..3 | ... | n15 k0..3      64 bytes
//             quad 1: n0 k4..7 | ...
//   panel 1:  ...
//
// A byte is w + 128: unsigned, so that vpdpbusd takes weights from a register that all rows of a
// tile share, and the activations, signed, as four bytes broadcast from memory. With c the stored
// zero point (128 without one), z a row's zero point and q its codes,
//   sum (q - z)(u - c) = sum q u - z * sum u - c * sum (q - z)
// where the sums of u come with the weights and those of q - z with the activations.
//
// Alignment: none needed; panels are whole cache lines if the weights start at one. Over-read:
// activations up to k rounded up to 32, as sinter.h says; nothing else. Overflow: sums wrap modulo
// 2^32 on the way, and the entry bounds K so that the result fits. Tails: columns by masks, rows by
// repeating the last. The layout is that of oneDNN's OI16i4o blocks and of FBGEMM's packed B.
#ifndef SINTER_INT8_GEMM_H
#define SINTER_INT8_GEMM_H

#include "gemm/epilogue.h"
#include "gemm/gemm.h"

namespace {

struct Int8Plan {
  explicit Int8Plan(const sinter_gemm_args &a)
      : blocks(divide_up(a.k, block_k)), panel_bytes(blocks * block_k * panel_columns) {}

  int64_t blocks;
  int64_t panel_bytes;
};

template <class Lanes>
struct Int8Sums {
  using Element = typename Lanes::Int;
  using Float = typename Lanes::Float;

  // Pointers are copied so that no store to y makes the compiler read them again.
  SINTER_INLINE Int8Sums(const sinter_gemm_args &a, int64_t column)
      : x_scales(a.x_scales),
        x_sums(a.x_sums),
        x_zero_points(a.x_zero_points),
        has_centers(a.w_zero_points != nullptr),
        scales(Lanes::load(static_cast<const float *>(a.w_scales) + column)) {
    if (has_centers) {
      centers = Lanes::load_widened(a.w_zero_points + column);
    }
    if (x_zero_points != nullptr) {
      w_sums = Lanes::load_int(a.w_sums + column);
    }
  }

  SINTER_INLINE Float value(int64_t row, Element sum, Float bias) const {
    const auto excess = has_centers
                            ? Lanes::multiply_int(centers, Lanes::broadcast_int(x_sums[row]))
                            : Lanes::broadcast_int(128 * x_sums[row]);
    sum = Lanes::subtract_int(sum, excess);
    if (x_zero_points != nullptr) {
      const auto zero_point = Lanes::broadcast_int(x_zero_points[row]);
      sum = Lanes::subtract_int(sum, Lanes::multiply_int(w_sums, zero_point));
    }
    return Lanes::fma(Lanes::multiply(Lanes::to_float(sum), scales),
                      Lanes::broadcast(x_scales[row]), bias);
  }

  const float *x_scales;
  const int32_t *x_sums;
  const int32_t *x_zero_points;
  bool has_centers;
  Float scales;
  Element centers = Lanes::broadcast_int(0);
  Element w_sums = Lanes::broadcast_int(0);
};

template <class Lanes, int rows, int panels>
struct Int8Tile {
  using Int = typename Lanes::Int;
  using S = Shape<Lanes, rows, panels>;

  SINTER_TILE void run(const sinter_gemm_args &a, const Int8Plan &plan, Place at) {
    const uint8_t *w = static_cast<const uint8_t *>(a.w) + at.panel * plan.panel_bytes;
    const int8_t *x[rows];
    Int sums[S::chains][rows][S::vectors];
    SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = a.x + row_of(a, at, r) * a.x_stride; }
    SINTER_UNROLL for (int chain = 0; chain < S::chains; chain++) {
      S::each([&](int r, int v) { sums[chain][r][v] = Lanes::broadcast_int(0); });
    }
    if constexpr (rows > 1) {
      prefetch_results<S>(a, at);
    }
    for (int64_t block = 0; block < plan.blocks; block++) {
      if (rows > 1 && at.row == 0) {  // the first to read these panels
        prefetch_weights<prefetch_distance, panels, block_k * panel_columns>(w, block, plan.blocks);
      }
      SINTER_UNROLL for (int quad = 0; quad < block_quads; quad++) {
        typename Lanes::Wide weights[S::vectors];
        SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
          weights[v] = Lanes::widen(
              Lanes::load_bytes(w + v / S::vectors_a_panel * plan.panel_bytes + 64 * quad +
                                4 * Lanes::lanes * (v % S::vectors_a_panel)));
        }
        SINTER_UNROLL for (int r = 0; r < rows; r++) {
          const auto codes = Lanes::broadcast_wide(x[r] + 4 * quad);
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            auto &sum = sums[quad % S::chains][r][v];
            sum = Lanes::dot(sum, weights[v], codes);
          }
        }
      }
      w += block_k * panel_columns;
      SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] += block_k; }
    }
    // Indexed by a variable, `sums` would live in memory all along.
    Int results[rows][S::vectors];
    S::each([&](int r, int v) { results[r][v] = joined<Lanes>(sums, r, v); });
    finish<Lanes, Int8Sums<Lanes>>(a, at, results);
  }
};

}  // namespace

#endif
