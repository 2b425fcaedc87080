// Row-wise 8-bit quantization; native/include/sinter.h says what it computes.
//
// One row, or one group of it, in two passes, the second from L1:
//
//   range   lo = min(0, x), hi = max(0, x), and the largest |x| as an integer, whose exponent tells
//           NaN and infinity (IEEE 754 magnitudes order like their bit patterns)
//   encode  q = clamp(int(x / s) + z), byte by byte, and the sum of q - z
//
// All variants are this template over a struct of vector operations. Their results are equal bit
// for bit: min, max and the integer sum do not depend on order, and each lane does the same f32
// division, rounding and clamping. Where values come from is a template parameter too: from a row
// (Row), from a row in another order of columns (Reordered), or computed (norm_rows).
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
#include <type_traits>

#include "rows/rounding.h"
#include "sinter.h"

namespace {

enum class Scheme { u8 = SINTER_CODES_U8, s8 = SINTER_CODES_S8, s8z = SINTER_CODES_S8Z };

struct RowScale {
  float scale;
  int32_t zero_point;
};

// Where the codes of rows go, and what decodes them.
struct CodeRows {
  uint8_t *codes;
  int64_t stride;
  float *scales;
  int32_t *zero_points;
  int32_t *sums;
};

// Values i and following of a row.
template <class Lanes>
struct Row {
  const float *x;
  typename Lanes::Float load(int64_t i) const { return Lanes::load(x + i); }
  typename Lanes::Float load_tail(int64_t i, int n) const { return Lanes::load_tail(x + i, n); }
};

// The same of a row whose value i is x[columns[i]].
template <class Lanes>
struct Reordered {
  const float *x;
  const int32_t *columns;
  typename Lanes::Float load(int64_t i) const { return Lanes::gather(x, columns + i); }
  typename Lanes::Float load_tail(int64_t i, int n) const {
    return Lanes::gather_tail(x, columns + i, n);
  }
};

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

// Scale and zero point of the values begin to end of a row; reads each once, in order.
template <class Lanes, Scheme scheme, class Source>
inline RowScale measure(Source source, int64_t begin, int64_t end) {
  constexpr int32_t infinity_bits = 0x7f800000;
  auto lo = Lanes::zero();
  auto hi = Lanes::zero();
  auto magnitude = Lanes::zero_int();
  const auto take = [&](typename Lanes::Float v) {
    lo = Lanes::min(lo, v);
    hi = Lanes::max(hi, v);
    magnitude = Lanes::max_magnitude(magnitude, v);
  };
  int64_t i = begin;
  for (; i + Lanes::width <= end; i += Lanes::width) {
    take(source.load(i));
  }
  if (i < end) {
    take(source.load_tail(i, static_cast<int>(end - i)));
  }
  if (Lanes::reduce_max_int(magnitude) >= infinity_bits) {
    return {__builtin_nanf(""), neutral<scheme>};
  }
  return row_scale<scheme>(Lanes::reduce_min(lo), Lanes::reduce_max(hi));
}

// Codes of the values begin to end of a row, given a positive scale; returns the sum of q - z.
template <class Lanes, Scheme scheme, class Source>
inline int32_t encode(Source source, int64_t begin, int64_t end, RowScale row, uint8_t *codes) {
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
  int64_t i = begin;
  for (; i + Lanes::width <= end; i += Lanes::width) {
    Lanes::store_bytes(codes + i, code(source.load(i)));
  }
  if (i < end) {
    const int n = static_cast<int>(end - i);
    Lanes::store_bytes_tail(codes + i, code(source.load_tail(i, n)), n);
  }
  return Lanes::reduce_add_int(sum);
}

// One row, group by group; `measured` and `encoded` give the same values. Leaves `out` at the next
// row.
template <class Lanes, Scheme scheme, class Measured, class Encoded>
inline void quantize_row(Measured measured, Encoded encoded, int64_t k, int64_t group,
                         CodeRows &out) {
  RowScale scale{};
  for (int64_t begin = 0; begin < k; begin += group) {
    const int64_t end = begin + group < k ? begin + group : k;
    scale = measure<Lanes, scheme>(measured, begin, end);
    int32_t sum = 0;
    if (scale.scale > 0) {
      sum = encode<Lanes, scheme>(encoded, begin, end, scale, out.codes);
    } else {  // zero, or NaN
      std::memset(out.codes + begin, neutral<scheme>, static_cast<size_t>(end - begin));
    }
    *out.scales++ = scale.scale;
    *out.zero_points++ = scale.zero_point;
    *out.sums++ = sum;
  }
  std::memset(out.codes + k, scale.zero_point, static_cast<size_t>(out.stride - k));
  out.codes += out.stride;
}

// Calls run(scheme) with the scheme of the format as a constant.
template <class Run>
inline void with_scheme(const sinter_quantize_format &format, const Run &run) {
  switch (format.codes) {
    case SINTER_CODES_U8:
      return run(std::integral_constant<Scheme, Scheme::u8>());
    case SINTER_CODES_S8:
      return run(std::integral_constant<Scheme, Scheme::s8>());
    default:
      return run(std::integral_constant<Scheme, Scheme::s8z>());
  }
}

inline int64_t group_of(const sinter_quantize_format &format) {
  return format.group == 0 ? format.k : format.group;
}

template <class Lanes>
inline void quantize_rows(const sinter_quantize_format &format, const float *x, int64_t rows,
                          CodeRows out) {
  const int64_t k = format.k;
  const int64_t group = group_of(format);
  with_scheme(format, [&](auto scheme) {
    for (int64_t r = 0; r < rows; r++, x += k) {
      if (format.columns == nullptr) {
        const Row<Lanes> row{x};
        quantize_row<Lanes, scheme>(row, row, k, group, out);
      } else {
        const Reordered<Lanes> row{x, format.columns};
        quantize_row<Lanes, scheme>(row, row, k, group, out);
      }
    }
  });
}

}  // namespace

// Defines sinter::quantize_rows_<isa>.
#define SINTER_DEFINE_QUANTIZE_ROWS(isa, Lanes)                                                \
  namespace sinter {                                                                           \
  void quantize_rows_##isa(const sinter_quantize_format &format, const float *x, int64_t rows, \
                           void *codes, int64_t stride, float *scales, int32_t *zero_points,   \
                           int32_t *sums) {                                                    \
    quantize_rows<Lanes>(format, x, rows,                                                      \
                         {static_cast<uint8_t *>(codes), stride, scales, zero_points, sums});  \
  }                                                                                            \
  }

#endif
