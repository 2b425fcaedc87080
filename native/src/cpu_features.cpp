#include "cpu_features.h"

#include <cpuid.h>

namespace {

// Which register states the operating system saves (XCR0).
uint64_t saved_states() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

uint64_t detect() {
  constexpr uint64_t ymm = 0x6;         // SSE and AVX
  constexpr uint64_t zmm = 0xe0 | ymm;  // plus masks and both parts of the zmm registers
  constexpr uint64_t tiles = 0x60000;   // tile configuration and data

  uint32_t eax, ebx, ecx, edx;
  uint64_t found = 0;
  const auto add = [&found](uint32_t reg, int bit, uint64_t feature) {
    if ((reg >> bit) & 1) {
      found |= feature;
    }
  };

  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !((ecx >> 27) & 1)) {  // no OSXSAVE
    return 0;
  }
  const uint64_t states = saved_states();
  if ((states & ymm) != ymm) {
    return 0;
  }
  add(ecx, 12, SINTER_CPU_FMA);
  add(ecx, 29, SINTER_CPU_F16C);
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    return found;
  }
  const uint32_t subleaves = eax;
  const bool has_zmm = (states & zmm) == zmm;
  add(ebx, 5, SINTER_CPU_AVX2);
  if (has_zmm) {
    add(ebx, 16, SINTER_CPU_AVX512F);
    add(ebx, 17, SINTER_CPU_AVX512DQ);
    add(ebx, 30, SINTER_CPU_AVX512BW);
    add(ebx, 31, SINTER_CPU_AVX512VL);
    add(ecx, 11, SINTER_CPU_AVX512VNNI);
  }
  if ((states & tiles) == tiles && has_zmm) {
    add(edx, 22, SINTER_CPU_AMXBF16);
    add(edx, 25, SINTER_CPU_AMXINT8);
  }
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
    add(eax, 4, SINTER_CPU_AVXVNNI);
    if (has_zmm) {
      add(eax, 5, SINTER_CPU_AVX512BF16);
    }
  }
  return found;
}

// cpuid traps to the hypervisor in virtual machines: ask once, when the library is loaded.
const uint64_t features = detect();

}  // namespace

namespace sinter {

bool cpu_has(uint64_t needs) { return (features & needs) == needs; }

}  // namespace sinter

uint64_t sinter_cpu_features() { return features; }
