// f32 rows to bfloat16; native/include/sinter.h says how they are rounded.
//
// One loop that the compiler vectorizes for each instruction set: integer arithmetic on the bits,
// since the instruction of AVX512-BF16 takes subnormals for zeros.
//
// Layout: x [rows][k] f32, y [rows][stride] bfloat16. Alignment: none. Over-read and over-write:
// none. Overflow: a finite value whose upper half is rounded up past the largest becomes infinite,
// as it should; NaN takes the other branch, or a carry could make it a zero.
//
// Everything has internal linkage: the same inline function compiled for two instruction sets would
// leave the linker to keep one of them for all.
#ifndef SINTER_ROUND_BF16_H
#define SINTER_ROUND_BF16_H

#include <cstdint>
#include <cstring>

namespace {

inline uint16_t round_half_even(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const bool nan = (bits & 0x7fffffff) > 0x7f800000;
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>(nan ? (bits >> 16) | 0x40 : rounded);
}

inline void round_rows(const float *x, int64_t rows, int64_t k, uint16_t *y, int64_t stride) {
  for (int64_t r = 0; r < rows; r++, x += k, y += stride) {
    for (int64_t i = 0; i < k; i++) {
      y[i] = round_half_even(x[i]);
    }
    std::memset(y + k, 0, static_cast<size_t>(stride - k) * sizeof *y);
  }
}

}  // namespace

// Defines sinter::round_bf16_<isa>.
#define SINTER_DEFINE_ROUND_BF16(isa)                                                           \
  namespace sinter {                                                                            \
  void round_bf16_##isa(const float *x, int64_t rows, int64_t k, uint16_t *y, int64_t stride) { \
    round_rows(x, rows, k, y, stride);                                                          \
  }                                                                                             \
  }

#endif
