// a * b + c in one rounding, for CPUs without the instruction.
#ifndef SINTER_EXACT_FMA_H
#define SINTER_EXACT_FMA_H

#include <cstdint>
#include <cstring>

namespace {

// Without the instruction std::fma needs libm. The product is exact in double. So that its sum
// with c is not rounded twice, it is rounded to odd first (Boldo and Melquiond, "Emulation of a
// FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008); the error of
// the sum is Knuth's.
inline float exact_fma(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  double sum = product + addend;
  const double part = sum - product;
  const double error = (product - (sum - part)) + (addend - part);
  uint64_t image;
  std::memcpy(&image, &sum, sizeof image);
  if ((error > 0 || error < 0) && (image & 1) == 0) {  // inexact and finite
    image += (error > 0) == (sum > 0) ? 1 : -1;
    std::memcpy(&sum, &image, sizeof sum);
  }
  return static_cast<float>(sum);
}

}  // namespace

#endif
