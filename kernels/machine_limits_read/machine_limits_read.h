// The fastest way to read memory: adds a block up as 64-bit words, one load and one add a vector,
// eight sums side by side, so that the loads are all that counts.
//
// Alignment: data to 64 bytes. Over-read: none; `bytes` is a multiple of what a round reads.
// Overflow: the sum wraps, as sinter.h says. Internal linkage: see quantize_rows.h.
#ifndef SINTER_MACHINE_LIMITS_READ_H
#define SINTER_MACHINE_LIMITS_READ_H

#include <cstdint>
#include <cstring>

#include "sinter.h"

namespace {

template <class Lanes>
inline uint64_t read(const uint8_t *data, int64_t bytes, int64_t repeats) {
  using Words = typename Lanes::Words;
  constexpr int64_t size = sizeof(Words);
  static_assert(SINTER_MACHINE_LIMITS_BLOCK % (8 * size) == 0, "there is no code for a tail");
  Words s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{};
  for (int64_t r = 0; r < repeats; r++) {
    for (const uint8_t *p = data; p < data + bytes; p += 8 * size) {
      s0 = Lanes::add(s0, p);
      s1 = Lanes::add(s1, p + size);
      s2 = Lanes::add(s2, p + 2 * size);
      s3 = Lanes::add(s3, p + 3 * size);
      s4 = Lanes::add(s4, p + 4 * size);
      s5 = Lanes::add(s5, p + 5 * size);
      s6 = Lanes::add(s6, p + 6 * size);
      s7 = Lanes::add(s7, p + 7 * size);
    }
    __asm__ volatile("" ::: "memory");  // every repeat reads again
  }
  const Words sums[] = {s0, s1, s2, s3, s4, s5, s6, s7};
  uint64_t words[sizeof sums / 8];
  std::memcpy(words, sums, sizeof sums);
  uint64_t sum = 0;
  for (const uint64_t word : words) {
    sum += word;
  }
  return sum;
}

}  // namespace

// Defines sinter::machine_limits_read_<isa>.
#define SINTER_DEFINE_MACHINE_LIMITS_READ(isa, Lanes)                                       \
  namespace sinter {                                                                        \
  uint64_t machine_limits_read_##isa(const uint8_t *data, int64_t bytes, int64_t repeats) { \
    return read<Lanes>(data, bytes, repeats);                                               \
  }                                                                                         \
  }

#endif
