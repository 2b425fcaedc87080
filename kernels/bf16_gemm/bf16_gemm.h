// bfloat16 matmul; native/include/sinter.h says what it computes.
//
// Weights [N/16][K/2][16][2] bfloat16 values: a panel of 16 columns, in it for every two k a row of
// 16 pairs. N is padded to 16 and K to 2 with zeros.
//
//   panel 0:  k0 and k1: n0 k0, n0 k1, n1 k0, n1 k1 ... n15 k1      64 bytes
//             k2 and k3: likewise
//   panel 1:  ...
//
// A bfloat16 value is the upper half of a float: the pair in 32 bits becomes two floats by a shift
// and by a mask, and these go the way of f32_gemm.h, at half the bytes of weights. AVX512-BF16 has
// vdpbf16ps for whole pairs, with twice the products: two fused multiply-adds, the second value's
// first, each rounded to nearest even, which take subnormal numbers for 0 and make none. Zen 5 and
// Intel's manual agree in that, so results are the same on all CPUs that have it, but not those of
// the others.
//
// Alignment: none needed; rows of a panel are whole cache lines if the weights start at one.
// Over-read: none, with K padded to 2 in x too. Tails: columns by masks, rows by repeating the
// last.
#ifndef SINTER_BF16_GEMM_H
#define SINTER_BF16_GEMM_H

#include <cstdint>
#include <cstring>

#include "f32_gemm/f32_gemm.h"

namespace {

// Widens the first or the second of the two values that lie in 32 bits of each lane.
template <class Lanes>
inline typename Lanes::Float widen_bf16(typename Lanes::Int pairs, int i) {
  return i == 0 ? Lanes::first_bf16(pairs) : Lanes::second_bf16(pairs);
}

template <class Lanes_>
struct Bf16Values : F32Values<Lanes_> {
  using Lanes = Lanes_;
  using Input = uint16_t;
  using Value = uint16_t;
  static constexpr int together = 2;
  static constexpr int parts = 2;
  static_assert(float_block_k % together == 0, "a pair is in one block");

  static typename Lanes::Float load(const Value *w, int i) {
    return widen_bf16<Lanes>(Lanes::load_bf16_pairs(w), i);
  }
  static typename Lanes::Float broadcast(const Input *x, int i) {
    int32_t pair;
    std::memcpy(&pair, x, sizeof pair);
    return widen_bf16<Lanes>(Lanes::broadcast_int(pair), i);
  }
};

// The same weights with activations that stay f32: bf16_weights_gemm.
template <class Lanes_>
struct Bf16Weights : Bf16Values<Lanes_> {
  using Lanes = Lanes_;
  using Input = float;

  static typename Lanes::Float broadcast(const Input *x, int i) { return Lanes::broadcast(x[i]); }
};

// Pairs as they are, for Lanes that multiply them.
template <class Lanes_>
struct Bf16Pairs : Bf16Values<Lanes_> {
  using Lanes = Lanes_;
  using Float = typename Lanes::Float;
  using Int = typename Lanes::Int;
  static constexpr int parts = 1;

  static Int load(const uint16_t *w, int) { return Lanes::load_bf16_pairs(w); }
  static Int broadcast(const uint16_t *x, int) {
    int32_t pair;
    std::memcpy(&pair, x, sizeof pair);
    return Lanes::broadcast_int(pair);
  }
  static Float add_product(Float sum, Int w, Int x) { return Lanes::dot_bf16(sum, w, x); }
};

}  // namespace

#endif
