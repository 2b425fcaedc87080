// What each instruction set of KERNELS.def needs. The compiler flags in CMakeLists.txt allow no
// more than this.
#ifndef SINTER_CPU_FEATURES_H
#define SINTER_CPU_FEATURES_H

#include "sinter.h"

#define SINTER_NEEDS_scalar 0
#define SINTER_NEEDS_avx2 (SINTER_CPU_AVX2 | SINTER_CPU_FMA | SINTER_CPU_F16C)
#define SINTER_NEEDS_avxvnni (SINTER_NEEDS_avx2 | SINTER_CPU_AVXVNNI)
#define SINTER_NEEDS_avx512                                                             \
  (SINTER_NEEDS_avx2 | SINTER_CPU_AVX512F | SINTER_CPU_AVX512BW | SINTER_CPU_AVX512VL | \
   SINTER_CPU_AVX512DQ)
#define SINTER_NEEDS_avx512vnni (SINTER_NEEDS_avx512 | SINTER_CPU_AVX512VNNI)
#define SINTER_NEEDS_avx512bf16 (SINTER_NEEDS_avx512 | SINTER_CPU_AVX512BF16)

namespace sinter {

// Whether the CPU has all features of `needs`; cheap enough for every call.
bool cpu_has(uint64_t needs);

}  // namespace sinter

#endif
