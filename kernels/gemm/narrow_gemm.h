// Matmul with 8-bit activations and weights of 4, 2 or 1 bits: int4_gemm, ternary_gemm,
// binary_gemm. native/include/sinter.h says what they compute.
//
// Weights [N/16][K/32][bits][64] bytes: a panel of 16 columns, in it blocks of 32 k, in a block a
// row of 64 bytes for each bit of a code, in a row 4 bytes of each column. A byte holds 8 / bits
// planes, each a quad of k with its bytes' neighbours, the first in the lowest bits. K is padded to
// 32 and N to 16 with zero bits, which add nothing.
//
//   int4, row 0:  n0 k0|k4, k1|k5, k2|k6, k3|k7 | n1 ... | n15 ...     (low | high nibble)
//         row 1:  n0 k8|k12, ...
//   ternary, row 0:  n0 k0|k4|k8|k12, k1|k5|k9|k13, ...
//   binary, row 0:   n0 k0|k4|...|k28, k1|k5|...|k29, ...
//
// What is multiplied is u = w + 8 (int4), w + 1 (ternary, binary: 0 or 2, twice its bit): unsigned,
// so that it needs no sign extension to be vpdpbusd's unsigned operand; the activations, signed,
// are four bytes broadcast from memory. With c the stored zero point (8 or 1 without one), z the
// activations' zero point and q their codes, a step's
//   sum (q - z)(u - c) = sum q u - z * sum u - c * sum (q - z)
// where the sums of u come with the weights and those of q - z with the activations; what is to be
// subtracted is where the accumulator starts. Scales lie in an array of their own, so that a load
// of them is a group of a panel and weights stay whole cache lines.
//
// Codes are unpacked in the tile, by shift and mask. For nibbles and four rows at a time that ran
// at 0.9 of the speed of int8 weights or more (Zen 4, m = 32 to 512), so expanding them to int8
// first is not worth its scratch. A single row of ternary or binary weights cannot afford the
// shifts: a plane that is only masked is u times a power of two, so each of four planes has a sum
// of its own, and they are joined, shifted back, at the end of a step.
//
// Alignment: none needed; rows of a block are whole cache lines if the weights start at one.
// Over-read: activations up to k rounded up to 32, as sinter.h says; nothing else. Overflow: sums
// wrap modulo 2^32 on the way, and the entry bounds K so that the result fits. A sum that is
// shifted back must not wrap: its products are |128 * 128| (ternary: 2 << 6) or |8 * 128| (binary:
// 1 << 3) at most, for a quarter of k, which the entry bounds as well. Tails: columns by masks,
// rows by repeating the last, k by the padding.
#ifndef SINTER_NARROW_GEMM_H
#define SINTER_NARROW_GEMM_H

#include "gemm/epilogue.h"
#include "gemm/gemm.h"
#include "gemm/narrow_excess.h"
#include "gemm/narrow_plan.h"

namespace {

// Codes of `bits` bits.
template <int bits_>
struct Code {
  static constexpr int bits = bits_;
  static constexpr int planes = 8 / bits;            // of a byte
  static constexpr int stored = (1 << bits) - 1;     // the mask of a plane, as it is stored
  static constexpr int doubled = bits == 1 ? 1 : 0;  // u = stored << doubled
  static constexpr int center = bits == 4 ? 8 : 1;   // u - w
  static constexpr int block_bytes = bits * row_bytes;
  // How far right plane `plane` of a byte must go to be u.
  static constexpr int shift(int plane) { return bits * plane - doubled; }
};

template <class Lanes>
struct NarrowSums {
  using Element = typename Lanes::Float;

  SINTER_INLINE NarrowSums(const sinter_gemm_args &args, int64_t) : a(args) {}

  SINTER_INLINE Element value(int64_t row, Element sum, Element bias) const {
    return Lanes::fma(sum, Lanes::broadcast(a.x_group == 0 ? a.x_scales[row] : 1.0f), bias);
  }

  const sinter_gemm_args &a;
};

template <class Code, class Lanes, int rows, int panels>
struct NarrowTile {
  using Int = typename Lanes::Int;
  using Float = typename Lanes::Float;
  using S = Shape<Lanes, rows, panels>;
  // Whether planes are multiplied where they are, each with a sum of its own.
  static constexpr bool in_place = rows == 1 && Code::bits < 4 && Lanes::planes_in_place;
  static constexpr int chains = in_place ? 4 : S::chains;
  // The one of them that is not shifted when they are joined.
  static constexpr int unshifted = in_place ? Code::doubled : 0;
  // Whether the sums of u are added up here instead of read: a single row is bound by memory, and
  // for groups of 32 they would be a sixth of what it reads.
  static constexpr bool adds_up = rows == 1 && panels == 1 && !in_place && Lanes::adds_up;

  SINTER_TILE void run(const sinter_gemm_args &a, const NarrowPlan &plan, Place at) {
    const uint8_t *w = static_cast<const uint8_t *>(a.w) + at.panel * plan.panel_bytes;
    const int8_t *x[rows];
    Float results[rows][S::vectors];
    SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] = a.x + row_of(a, at, r) * a.x_stride; }
    S::each([&](int r, int v) { results[r][v] = Lanes::broadcast(0); });
    if constexpr (rows > 1) {
      prefetch_results<S>(a, at);
    }
    const Excess<Code, Lanes, S> excess(a, plan, at);
    for (Position position(plan); position.block < plan.blocks; position.next(plan)) {
      Int sums[chains][rows][S::vectors];
      SINTER_UNROLL for (int chain = 0; chain < chains; chain++) {
        S::each([&](int r, int v) { sums[chain][r][v] = Lanes::broadcast_int(0); });
      }
      Int w_sums[S::vectors];
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        w_sums[v] = adds_up ? Lanes::broadcast_int(0) : excess.w_sum(position, v);
      }
      if constexpr (!adds_up) {
        excess.subtract(position, w_sums, sums[unshifted]);
      }
      for (; position.block < position.end; position.block++) {
        typename Lanes::Partial partial[chains][rows][S::vectors];
        SINTER_UNROLL for (int chain = 0; chain < chains; chain++) {
          S::each([&](int r, int v) { partial[chain][r][v] = Lanes::begin(sums[chain][r][v]); });
        }
        if (at.row == 0) {  // the first to read these panels
          constexpr int distance = rows == 1 ? 8192 : prefetch_distance;
          prefetch_weights<distance, panels, Code::block_bytes>(w, position.block, plan.blocks);
        }
        typename Lanes::Bytes packed[S::vectors];
        [[maybe_unused]] typename Lanes::Bytes bytes[S::vectors];  // sums of u byte by byte
        SINTER_UNROLL for (int quad = 0; quad < block_quads; quad++) {
          typename Lanes::Bytes weights[S::vectors];
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            if (quad % Code::planes == 0) {
              packed[v] = Lanes::load_bytes(w + v / S::vectors_a_panel * plan.panel_bytes +
                                            row_bytes * (quad / Code::planes) +
                                            4 * Lanes::lanes * (v % S::vectors_a_panel));
              if constexpr (chains > 1) {
                // Loads are the limit here: without this GCC loads once more for another plane.
                Lanes::keep(packed[v]);
              }
            }
            weights[v] = plane(packed[v], quad);
            if constexpr (adds_up) {
              bytes[v] = quad == 0 ? weights[v] : Lanes::add_bytes(bytes[v], weights[v]);
            }
          }
          SINTER_UNROLL for (int r = 0; r < rows; r++) {
            const auto codes = Lanes::broadcast_quad(x[r] + 4 * quad);
            SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
              auto &sum = partial[quad % chains][r][v];
              sum = Lanes::dot_narrow(sum, weights[v], codes);
            }
          }
        }
        SINTER_UNROLL for (int chain = 0; chain < chains; chain++) {
          S::each([&](int r, int v) {
            sums[chain][r][v] = Lanes::end(sums[chain][r][v], partial[chain][r][v]);
          });
        }
        if constexpr (adds_up) {
          SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
            w_sums[v] = Lanes::add_quads(w_sums[v], bytes[v]);
          }
        }
        SINTER_UNROLL for (int r = 0; r < rows; r++) { x[r] += block_k; }
        w += Code::block_bytes;
      }
      if constexpr (adds_up) {
        excess.subtract(position, w_sums, sums[unshifted]);
      }
      add_step(a, plan, at, position, sums, results);
    }
    finish<Lanes, NarrowSums<Lanes>>(a, at, results);
  }

  // The weights of a quad as u, or u times a power of two if they stay in place.
  SINTER_INLINE static typename Lanes::Bytes plane(typename Lanes::Bytes packed, int quad) {
    const int plane = quad % Code::planes;
    if constexpr (in_place) {
      const int moved = plane % chains;
      return Lanes::codes(packed, Code::bits * (plane - moved),
                          Code::stored << (Code::bits * moved));
    }
    return Lanes::codes(packed, Code::shift(plane), Code::stored << Code::doubled);
  }

  // The sum of a step.
  SINTER_INLINE static Int total(const Int (&sums)[chains][rows][S::vectors], int r, int v) {
    if constexpr (in_place) {
      Int sum = sums[unshifted][r][v];
      SINTER_UNROLL for (int other = 1; other < chains; other++) {
        const int chain = (unshifted + other) % chains;
        sum = Lanes::add_int(sum, Lanes::shift_right(sums[chain][r][v], Code::shift(chain)));
      }
      return sum;
    } else {
      return joined<Lanes>(sums, r, v);
    }
  }

  SINTER_INLINE static void add_step(const sinter_gemm_args &a, const NarrowPlan &plan, Place at,
                                     const Position &position,
                                     const Int (&sums)[chains][rows][S::vectors],
                                     Float (&results)[rows][S::vectors]) {
    Float scales[S::vectors];
    if (a.w_scale_type == SINTER_F16) {
      const Columns<uint16_t, Lanes, S> all(static_cast<const uint16_t *>(a.w_scales),
                                            plan.w_groups, at);
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        scales[v] = Lanes::load_half(all.at(v, position.w_group));
      }
    } else {
      const Columns<float, Lanes, S> all(static_cast<const float *>(a.w_scales), plan.w_groups, at);
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        scales[v] = Lanes::load(all.at(v, position.w_group));
      }
    }
    if (a.x_group == 0) {
      S::each([&](int r, int v) {
        results[r][v] = Lanes::fma(Lanes::to_float(total(sums, r, v)), scales[v], results[r][v]);
      });
      return;
    }
    SINTER_UNROLL for (int r = 0; r < rows; r++) {
      const Float x_scale =
          Lanes::broadcast(a.x_scales[row_of(a, at, r) * plan.x_groups + position.x_group]);
      SINTER_UNROLL for (int v = 0; v < S::vectors; v++) {
        const Float sum = Lanes::multiply(Lanes::to_float(total(sums, r, v)), x_scale);
        results[r][v] = Lanes::fma(sum, scales[v], results[r][v]);
      }
    }
  }
};

template <class Lanes, int rows, int panels>
using Int4Tile = NarrowTile<Code<4>, Lanes, rows, panels>;
template <class Lanes, int rows, int panels>
using TernaryTile = NarrowTile<Code<2>, Lanes, rows, panels>;
template <class Lanes, int rows, int panels>
using BinaryTile = NarrowTile<Code<1>, Lanes, rows, panels>;

}  // namespace

#endif
