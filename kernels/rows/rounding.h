// Integers out of floats, one at a time.
#ifndef SINTER_ROWS_ROUNDING_H
#define SINTER_ROWS_ROUNDING_H

#include <cstdint>

namespace {

// Half to even for |v| < 2^22: at 1.5 * 2^23 the unit in the last place is 1.
inline int32_t round_half_even(float v) {
  constexpr float magic = 12582912.0f;
  return static_cast<int32_t>((v + magic) - magic);
}

inline int32_t clamp(int32_t v, int32_t lo, int32_t hi) { return v < lo ? lo : v > hi ? hi : v; }

}  // namespace

#endif
