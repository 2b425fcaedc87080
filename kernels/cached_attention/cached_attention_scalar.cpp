// Cached attention, one token or element at a time.
#include <cmath>

#include "cached_attention.h"
#include "rows/lanes_scalar.h"

namespace {

struct CachedScalar : Scalar {
  static constexpr int rows = 2;

  static Float fma(Float a, Float b, Float c) { return a * b + c; }  // an exact one takes long here
  static Float max(Float a, Float b) { return a > b ? a : b; }       // b if either is NaN
  static Float to_float(Int v) { return static_cast<float>(v); }
  static Float exponent_of(Float shifted) {
    uint32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    return of_bits(bits << 23);
  }
  static Float unless_less(Float a, Float b, Float v) { return a < b ? 0.0f : v; }
  static Float copy_sign(Float magnitude, Float sign) { return std::copysign(magnitude, sign); }

  // A pair of 16-bit numbers, the first in the lower half.
  static Int widen_pairs(const int8_t *p) {
    return static_cast<int32_t>(static_cast<uint16_t>(p[0]) | static_cast<uint32_t>(p[1]) << 16);
  }
  static Int add_pair_products(Int sum, Int a, Int b) {
    return sum + static_cast<int16_t>(a) * static_cast<int16_t>(b) + (a >> 16) * (b >> 16);
  }
  static void load_pairs(const uint16_t *p, Float *even, Float *odd) {
    *even = load_value(p);
    *odd = load_value(p + 1);
  }

  static Float load_value(const float *p) { return *p; }
  static Float load_value(const uint16_t *p) { return of_bits(static_cast<uint32_t>(*p) << 16); }
  static Float load_value(const int8_t *p) { return static_cast<float>(*p); }

  static Float of_bits(uint32_t bits) {
    Float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
  }
};

}  // namespace

SINTER_DEFINE_CACHED_ATTENTION(scalar, CachedScalar)
