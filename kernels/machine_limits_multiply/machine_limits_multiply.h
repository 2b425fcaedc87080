// The fastest multiply-adds: of ones that stay in registers, into twelve independent sums, enough
// to hide the latency (4 to 6 cycles) of two units.
//
// Overflow: a lane grows by at most 32 a round in int32, 1 in f32, which is exact up to 2^24, for
// SINTER_MACHINE_LIMITS_MAX_ITERATIONS rounds.
//
// The instructions are inline asm: a compiler that saw the ones would not multiply them, and GCC
// 12's _mm512_dpbusd_epi32 adds a register copy. Internal linkage: see quantize_rows.h.
#ifndef SINTER_MACHINE_LIMITS_MULTIPLY_H
#define SINTER_MACHINE_LIMITS_MULTIPLY_H

#include <cstdint>
#include <cstring>

#include "sinter.h"

namespace {

struct Products {
  int64_t operations;  // a multiplication and an addition each
  double sum;
};

// Ops::step(sum) adds the products of Ops::products pairs of ones to the lanes of sum.
template <class Ops>
inline Products multiply(int64_t iterations) {
  constexpr int count = 12;
  using Vector = typename Ops::Vector;
  const Ops ops;
  Vector s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  for (int64_t i = 0; i < iterations; i++) {
    ops.step(s0);
    ops.step(s1);
    ops.step(s2);
    ops.step(s3);
    ops.step(s4);
    ops.step(s5);
    ops.step(s6);
    ops.step(s7);
    ops.step(s8);
    ops.step(s9);
    ops.step(s10);
    ops.step(s11);
  }
  const Vector sums[count] = {s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11};
  typename Ops::Lane lanes[sizeof sums / 4];
  std::memcpy(lanes, sums, sizeof sums);
  double sum = 0;
  for (const auto lane : lanes) {
    sum += lane;
  }
  return {2 * count * Ops::products * iterations, sum};
}

// In the place of a type that an instruction set has no multiply-add for, or not its own.
struct None {};

template <>
inline Products multiply<None>(int64_t) {
  return {0, 0};
}

template <class F32, class Bf16, class Int8>
inline Products multiply(int32_t type, int64_t iterations) {
  switch (type) {
    case SINTER_MACHINE_LIMITS_F32:
      return multiply<F32>(iterations);
    case SINTER_MACHINE_LIMITS_BF16:
      return multiply<Bf16>(iterations);
    case SINTER_MACHINE_LIMITS_INT8:
      return multiply<Int8>(iterations);
    default:
      return multiply<None>(iterations);
  }
}

}  // namespace

// Defines sinter::machine_limits_multiply_<isa>.
#define SINTER_DEFINE_MACHINE_LIMITS_MULTIPLY(isa, F32, Bf16, Int8)                      \
  namespace sinter {                                                                     \
  int64_t machine_limits_multiply_##isa(int32_t type, int64_t iterations, double *sum) { \
    const Products products = multiply<F32, Bf16, Int8>(type, iterations);               \
    *sum = products.sum;                                                                 \
    return products.operations;                                                          \
  }                                                                                      \
  }

#endif
