// Floats as three signed bytes each, which integer instructions multiply exactly: x = (d0 + 256 d1
// + 65536 d2) * unit, for 32 values of k that share a unit, a power of two.
//
// The unit is the smallest for which the largest |x| of the 32 is 0x7f7f7f units at most, the
// largest number of three digits; so it is below 2^-21.9 times that |x|, and each x is off by half
// a unit at most. A unit is never below the spacing of the subnormal numbers. NaN or infinity among
// the 32 makes the unit NaN.
//
// Overflow: products with nibbles less a zero point, |128 * 15| at most, of 32 values, fit 16 bits
// by halves and a float's 24 with their neighbours: 61440 * 257 < 2^24. Over-read: none; past the
// end of k digits are 0.
#ifndef SINTER_DIGITS_H
#define SINTER_DIGITS_H

#include <cstdint>
#include <cstring>

#include "sinter.h"

namespace {

constexpr int digit_planes = 3;
constexpr int digit_values = SINTER_GEMM_BLOCK_K;

struct DigitBlock {
  int8_t digits[digit_planes][digit_values];
  int32_t minus_sums[digit_planes];  // of the digits, times what split_digits was given
  float unit;
};

// Plain loops of 32 for the compiler to turn into vectors. Doubles hold any f32 divided by any
// unit, and adding 1.5 * 2^52 rounds to an integer, half to even, that is then their low bits; 128
// more in each byte make the digits unsigned, so that none borrows from the next.
inline void split_digits(const float *x, int32_t factor, DigitBlock &block) {
  constexpr uint32_t bias = 0x808080;
  constexpr double to_integer = 0x1.8p52 + bias;
  uint32_t images[digit_values];
  std::memcpy(images, x, sizeof images);
  uint32_t largest = 0;
  for (uint32_t image : images) {
    const uint32_t magnitude = image & 0x7fffffffu;
    largest = magnitude > largest ? magnitude : largest;
  }
  if (largest >= 0x7f800000u) {
    std::memset(&block, 0, sizeof block);
    block.unit = __builtin_nanf("");
    return;
  }
  // Unit 2^(exponent - 149): 22 below the largest, one more from 0x7f7f7f.8 units on.
  const uint32_t exponent = (largest + 0x10101u) >> 23;
  const uint32_t unit = exponent > 22 ? (exponent - 22) << 23 : 1u << exponent;
  std::memcpy(&block.unit, &unit, sizeof unit);
  const uint64_t inverse_image = static_cast<uint64_t>(1023 + 149 - exponent) << 52;
  double inverse;
  std::memcpy(&inverse, &inverse_image, sizeof inverse);
  uint32_t bytes[digit_values];
  for (int i = 0; i < digit_values; i++) {
    const double shifted = static_cast<double>(x[i]) * inverse + to_integer;
    uint64_t image;
    std::memcpy(&image, &shifted, sizeof image);
    bytes[i] = static_cast<uint32_t>(image);
  }
  uint32_t outer = 0;  // two sums of 32 bytes, 16 bits each
  uint32_t inner = 0;
  for (uint32_t three : bytes) {
    outer += three & 0xff00ffu;
    inner += three >> 8 & 0xffu;
  }
  const uint32_t sums[digit_planes] = {outer & 0xffffu, inner, outer >> 16};
  for (int plane = 0; plane < digit_planes; plane++) {
    for (int i = 0; i < digit_values; i++) {
      block.digits[plane][i] = static_cast<int8_t>((bytes[i] ^ bias) >> (8 * plane));
    }
    block.minus_sums[plane] = factor * (128 * digit_values - static_cast<int32_t>(sums[plane]));
  }
}

// Values 0 to k of a row.
inline void split_row(const float *x, int64_t k, int32_t factor, DigitBlock *blocks) {
  for (; k >= digit_values; k -= digit_values, x += digit_values, blocks++) {
    split_digits(x, factor, *blocks);
  }
  if (k > 0) {
    float last[digit_values] = {};
    std::memcpy(last, x, static_cast<size_t>(k) * sizeof(float));
    split_digits(last, factor, *blocks);
  }
}

}  // namespace

#endif
