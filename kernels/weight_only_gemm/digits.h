// Floats as three signed bytes each, which integer instructions multiply exactly: x = (d0 + 256 d1
// + 65536 d2) * unit, for 32 values of k that share a unit, a power of two.
//
// The unit is the smallest for which the largest |x| of the 32 is 0x7f7f7f units at most, the
// largest number of three digits; so it is below 2^-21.9 times that |x|, and each x is off by half
// a unit at most. A unit is never below the spacing of the subnormal numbers. NaN or infinity among
// the 32 makes the unit NaN.
//
// Overflow: products with nibbles less a zero point, |128 * 15| at most, of 32 values, fit 16 bits
// by halves and a float's 24 with their neighbours: 61440 * 257 < 2^24.
#ifndef SINTER_DIGITS_H
#define SINTER_DIGITS_H

#include <cstdint>
#include <cstring>

#include "sinter.h"

namespace {

constexpr int digit_planes = 3;
constexpr int digit_values = SINTER_GEMM_BLOCK_K;

// Two cache lines: 8 quads of k with their digits plane by plane, and in the four bytes that a quad
// leaves, of the first three, what belongs to all 32 values.
struct alignas(64) DigitBlock {
  static constexpr int low_sum = 0;   // minus the sum of d0 + 256 d1, times what it was split with
  static constexpr int high_sum = 1;  // the same of d2
  static constexpr int unit = 2;      // a float

  struct {
    int8_t digits[digit_planes][4];
    uint32_t of_block;
  } quads[digit_values / 4];
};

// The unit of values of which `magnitude` is the largest bit pattern without its sign: 2^(exponent
// - 149), 22 below the largest, one more from 0x7f7f7f.8 units on.
inline int32_t digit_exponent(uint32_t magnitude) {
  return static_cast<int32_t>((magnitude + 0x10101u) >> 23);
}

// What a block holds besides digits, of planes that add up to these sums.
inline void describe_digits(int32_t exponent, int32_t factor, const int32_t (&sums)[4],
                            DigitBlock &block) {
  block.quads[DigitBlock::low_sum].of_block =
      static_cast<uint32_t>(-factor * (sums[0] + 256 * sums[1]));
  block.quads[DigitBlock::high_sum].of_block = static_cast<uint32_t>(-factor * sums[2]);
  block.quads[DigitBlock::unit].of_block =
      exponent > 22 ? static_cast<uint32_t>(exponent - 22) << 23 : 1u << exponent;
}

inline bool is_finite_magnitude(uint32_t magnitude) { return magnitude < 0x7f800000u; }

inline void set_nan(DigitBlock &block) {
  std::memset(&block, 0, sizeof block);
  block.quads[DigitBlock::unit].of_block = 0x7fc00000;
}

// Without vector instructions. Doubles hold any f32 divided by any unit, and adding 1.5 * 2^52
// rounds to an integer, half to even, that is then their low bits; 128 more in each byte make the
// digits unsigned, so that none borrows from the next.
//
// Like the others that split values, it says how many rows and vectors a tile has: of several rows,
// and of a single one.
struct Digits {
  static constexpr int rows = 1;
  static constexpr int vectors = 1;
  static constexpr int single_vectors = 1;

  static uint32_t times_256(uint32_t v) { return v << 8; }

  static void split(const float *x, int32_t factor, DigitBlock &block) {
    constexpr uint32_t bias = 0x808080;
    constexpr double to_integer = 0x1.8p52 + bias;
    uint32_t largest = 0;
    for (int i = 0; i < digit_values; i++) {
      uint32_t image;
      std::memcpy(&image, x + i, sizeof image);
      const uint32_t magnitude = image & 0x7fffffffu;
      largest = magnitude > largest ? magnitude : largest;
    }
    if (!is_finite_magnitude(largest)) {
      set_nan(block);
      return;
    }
    const int32_t exponent = digit_exponent(largest);
    const uint64_t inverse_image = static_cast<uint64_t>(1023 + 149 - exponent) << 52;
    double inverse;
    std::memcpy(&inverse, &inverse_image, sizeof inverse);
    int32_t sums[4] = {};
    for (int i = 0; i < digit_values; i++) {
      const double shifted = static_cast<double>(x[i]) * inverse + to_integer;
      uint64_t image;
      std::memcpy(&image, &shifted, sizeof image);
      for (int plane = 0; plane < digit_planes; plane++) {
        const int32_t digit = static_cast<int32_t>(image >> (8 * plane) & 0xff) - 128;
        block.quads[i / 4].digits[plane][i % 4] = static_cast<int8_t>(digit);
        sums[plane] += digit;
      }
    }
    describe_digits(exponent, factor, sums, block);
  }
};

// Values 0 to k of a row.
template <class Digits>
inline void split_row(const float *x, int64_t k, int32_t factor, DigitBlock *blocks) {
  for (; k >= digit_values; k -= digit_values, x += digit_values, blocks++) {
    Digits::split(x, factor, *blocks);
  }
  if (k > 0) {
    float last[digit_values] = {};
    std::memcpy(last, x, static_cast<size_t>(k) * sizeof(float));
    Digits::split(last, factor, *blocks);
  }
}

}  // namespace

#endif
