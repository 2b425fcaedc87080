// Attention, one query at a time.
#include <cstring>

#include "attention.h"

namespace {

struct Scalar {
  using Float = float;
  static constexpr int width = 1;
  static constexpr int rows = 2;

  static Float zero() { return 0.0f; }
  static Float broadcast(float v) { return v; }
  static Float load(const float *p) { return *p; }
  static Float load_tail(const float *p, int) { return *p; }
  static void store(float *p, Float v) { *p = v; }
  static void store_tail(float *p, Float v, int) { *p = v; }

  static Float add(Float a, Float b) { return a + b; }
  static Float subtract(Float a, Float b) { return a - b; }
  static Float multiply(Float a, Float b) { return a * b; }
  static Float divide(Float a, Float b) { return a / b; }
  static Float fma(Float a, Float b, Float c) { return a * b + c; }  // std::fma calls libm here
  static Float max(Float a, Float b) { return a > b ? a : b; }       // b if either is NaN

  static Float exponent_of(Float shifted) {
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    std::memcpy(&shifted, &bits, sizeof bits);
    return shifted;
  }
  static Float unless_less(Float a, Float b, Float v) { return a < b ? 0.0f : v; }
};

}  // namespace

SINTER_DEFINE_ATTENTION(scalar, Scalar)
