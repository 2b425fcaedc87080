// One value at a time: what the other variants must equal.
#ifndef SINTER_ROWS_LANES_SCALAR_H
#define SINTER_ROWS_LANES_SCALAR_H

#include <cstdint>
#include <cstring>

#include "gemm/exact_fma.h"
#include "rows/rounding.h"

namespace {

struct Scalar {
  using Float = float;
  using Int = int32_t;
  static constexpr int width = 1;

  static Float zero() { return 0.0f; }
  static Int zero_int() { return 0; }
  static Float broadcast(float v) { return v; }
  static Int broadcast_int(int32_t v) { return v; }

  static Float load(const float *p) { return *p; }
  static Float load_tail(const float *p, int) { return *p; }
  static Float gather(const float *p, const int32_t *at) { return p[*at]; }
  static Float gather_tail(const float *p, const int32_t *at, int) { return p[*at]; }
  static void store(float *p, Float v) { *p = v; }
  static void store_tail(float *p, Float v, int) { *p = v; }
  static void store_bytes(uint8_t *p, Int q) { *p = static_cast<uint8_t>(q); }
  static void store_bytes_tail(uint8_t *p, Int q, int) { store_bytes(p, q); }

  static Float min(Float a, Float b) { return a < b ? a : b; }
  static Float max(Float a, Float b) { return a > b ? a : b; }
  static Int max_magnitude(Int a, Float v) {
    int32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    bits &= 0x7fffffff;
    return a > bits ? a : bits;
  }

  static Float keep(Float v, int) { return v; }
  static Float add(Float a, Float b) { return a + b; }
  static Float subtract(Float a, Float b) { return a - b; }
  static Float multiply(Float a, Float b) { return a * b; }
  static Float fma(Float a, Float b, Float c) { return exact_fma(a, b, c); }
  static Float divide(Float a, Float b) { return a / b; }
  static Int round(Float v) { return round_half_even(v); }
  static Int add_int(Int a, Int b) { return a + b; }
  static Int subtract_int(Int a, Int b) { return a - b; }
  static Int clamp_int(Int v, Int lo, Int hi) { return clamp(v, lo, hi); }

  static float reduce_min(Float v) { return v; }
  static float reduce_max(Float v) { return v; }
  static float reduce_add(Float v) { return v; }
  static int32_t reduce_max_int(Int v) { return v; }
  static int32_t reduce_add_int(Int v) { return v; }
};

}  // namespace

#endif
