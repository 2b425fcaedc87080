// Row-wise 8-bit quantization; native/include/sinter.h says what it computes.
//
// One row, two passes over x, the second from L1:
//
//   range   lo = min(0, x), hi = max(0, x), and the largest |x| as an integer, whose exponent tells
//           NaN and infinity (IEEE 754 magnitudes order like their bit patterns)
//   encode  q = clamp(int(x / s) + z), byte by byte, and the sum of q - z
//
// All variants are this template over a struct of vector operations. Their results are equal bit
// for bit: min, max and the integer sum do not depend on order, and each lane does the same f32
// division, rounding and clamping.
//
// Layout: x [rows][k] f32, codes [rows][stride] bytes. Alignment: none. Over-read and over-write:
// none; the last k % width elements go through masks. A tail lane is 0.0, which changes neither lo
// nor hi, and is encoded as z, which adds nothing to the sum.
// Overflow: |x / s| < 384 even where s is subnormal and rounded down by a third (x = 382 units in
// the last place gives s = 1 unit), so int(x / s) + z is small; the sum holds 255 * k < 2^31.
//
// Everything here has internal linkage: the same inline function compiled for two instruction sets
// would leave the linker to keep one of them for all.
#ifndef SINTER_QUANTIZE_ROWS_H
#define SINTER_QUANTIZE_ROWS_H

#include <cstdint>
#include <cstring>

namespace {

// s8z is u8 with codes and zero point 128 lower: the same numbers in signed bytes.
enum class Scheme { u8, s8, s8z };

struct RowScale {
  float scale;
  int32_t zero_point;
};

// Half to even for |v| < 2^22: at 1.5 * 2^23 the unit in the last place is 1.
inline int32_t round_half_even(float v) {
  constexpr float magic = 12582912.0f;
  return static_cast<int32_t>((v + magic) - magic);
}

inline int32_t clamp(int32_t v, int32_t lo, int32_t hi) { return v < lo ? lo : v > hi ? hi : v; }

template <Scheme scheme>
constexpr int32_t lowest = scheme == Scheme::u8   ? 0
                           : scheme == Scheme::s8 ? -127
                                                  : -128;
template <Scheme scheme>
constexpr int32_t highest = scheme == Scheme::u8 ? 255 : 127;
// The code of a row whose scale is 0 or NaN.
template <Scheme scheme>
constexpr int32_t neutral = scheme == Scheme::s8z ? -128 : 0;

// Which zero lo and hi are depends on the order of the values: adding 0.0 makes -0.0 a 0.0.
template <Scheme scheme>
inline RowScale row_scale(float lo, float hi) {
  if constexpr (scheme == Scheme::s8) {
    return {(hi > -lo ? hi : -lo) / 127.0f + 0.0f, 0};
  } else {
    const float scale = hi / 255.0f - lo / 255.0f + 0.0f;
    return {scale, lowest<scheme> + (scale > 0 ? clamp(round_half_even(-lo / scale), 0, 255) : 0)};
  }
}

// Scale and zero point of a row of k values.
template <class Lanes, Scheme scheme>
inline RowScale measure(const float *x, int64_t k) {
  constexpr int32_t infinity_bits = 0x7f800000;
  auto lo = Lanes::zero();
  auto hi = Lanes::zero();
  auto magnitude = Lanes::zero_int();
  const auto take = [&](typename Lanes::Float v) {
    lo = Lanes::min(lo, v);
    hi = Lanes::max(hi, v);
    magnitude = Lanes::max_magnitude(magnitude, v);
  };
  int64_t i = 0;
  for (; i + Lanes::width <= k; i += Lanes::width) {
    take(Lanes::load(x + i));
  }
  if (i < k) {
    take(Lanes::load_tail(x + i, static_cast<int>(k - i)));
  }
  if (Lanes::reduce_max_int(magnitude) >= infinity_bits) {
    return {__builtin_nanf(""), neutral<scheme>};
  }
  return row_scale<scheme>(Lanes::reduce_min(lo), Lanes::reduce_max(hi));
}

// Codes of a row with a positive scale; returns the sum of q - z.
template <class Lanes, Scheme scheme>
inline int32_t encode(const float *x, int64_t k, RowScale row, uint8_t *codes) {
  const auto scale = Lanes::broadcast(row.scale);
  const auto zero_point = Lanes::broadcast_int(row.zero_point);
  const auto smallest = Lanes::broadcast_int(lowest<scheme>);
  const auto largest = Lanes::broadcast_int(highest<scheme>);
  auto sum = Lanes::zero_int();
  const auto code = [&](typename Lanes::Float v) {
    const auto q = Lanes::add_int(Lanes::round(Lanes::divide(v, scale)), zero_point);
    const auto clamped = Lanes::clamp_int(q, smallest, largest);
    sum = Lanes::add_int(sum, Lanes::subtract_int(clamped, zero_point));
    return clamped;
  };
  int64_t i = 0;
  for (; i + Lanes::width <= k; i += Lanes::width) {
    Lanes::store_bytes(codes + i, code(Lanes::load(x + i)));
  }
  if (i < k) {
    const int n = static_cast<int>(k - i);
    Lanes::store_bytes_tail(codes + i, code(Lanes::load_tail(x + i, n)), n);
  }
  return Lanes::reduce_add_int(sum);
}

template <class Lanes, Scheme scheme>
inline void quantize_rows(const float *x, int64_t rows, int64_t k, uint8_t *codes, int64_t stride,
                          float *scales, int32_t *zero_points, int32_t *sums) {
  for (int64_t r = 0; r < rows; r++, x += k, codes += stride) {
    const RowScale row = measure<Lanes, scheme>(x, k);
    scales[r] = row.scale;
    zero_points[r] = row.zero_point;
    if (row.scale > 0) {
      sums[r] = encode<Lanes, scheme>(x, k, row, codes);
    } else {  // zero, or NaN
      std::memset(codes, neutral<scheme>, static_cast<size_t>(k));
      sums[r] = 0;
    }
    std::memset(codes + k, row.zero_point, static_cast<size_t>(stride - k));
  }
}

}  // namespace

// Defines sinter::quantize_rows_<scheme>_<isa> for the three schemes.
#define SINTER_DEFINE_QUANTIZE_ROWS(isa, Lanes)  \
  SINTER_DEFINE_QUANTIZE_ROWS_TO(u8, isa, Lanes) \
  SINTER_DEFINE_QUANTIZE_ROWS_TO(s8, isa, Lanes) \
  SINTER_DEFINE_QUANTIZE_ROWS_TO(s8z, isa, Lanes)

#define SINTER_DEFINE_QUANTIZE_ROWS_TO(scheme, isa, Lanes)                                      \
  namespace sinter {                                                                            \
  void quantize_rows_##scheme##_##isa(const float *x, int64_t rows, int64_t k, uint8_t *codes,  \
                                      int64_t stride, float *scales, int32_t *zero_points,      \
                                      int32_t *sums) {                                          \
    quantize_rows<Lanes, Scheme::scheme>(x, rows, k, codes, stride, scales, zero_points, sums); \
  }                                                                                             \
  }

#endif
