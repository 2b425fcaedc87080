// The feature bits against the compiler's own detection, and what follows from one another.
#include "cpu_features.h"

#include "testing.h"

namespace {

void expect(const char *name, uint64_t bit, bool compiler) {
  const bool ours = (sinter_cpu_features() & bit) != 0;
  if (ours != compiler) {
    testing::fail("%s: sinter %d, compiler %d", name, ours, compiler);
  }
}

}  // namespace

int main() {
  __builtin_cpu_init();
  expect("avx2", SINTER_CPU_AVX2, __builtin_cpu_supports("avx2"));
  expect("fma", SINTER_CPU_FMA, __builtin_cpu_supports("fma"));
  expect("avx512f", SINTER_CPU_AVX512F, __builtin_cpu_supports("avx512f"));
  expect("avx512bw", SINTER_CPU_AVX512BW, __builtin_cpu_supports("avx512bw"));
  expect("avx512vl", SINTER_CPU_AVX512VL, __builtin_cpu_supports("avx512vl"));
  expect("avx512dq", SINTER_CPU_AVX512DQ, __builtin_cpu_supports("avx512dq"));
  expect("avx512vnni", SINTER_CPU_AVX512VNNI, __builtin_cpu_supports("avx512vnni"));
  if (!sinter::cpu_has(SINTER_NEEDS_scalar) || sinter::cpu_has(uint64_t{1} << 63)) {
    testing::fail("cpu_has: %d %d", sinter::cpu_has(0), sinter::cpu_has(uint64_t{1} << 63));
  }
  if (sinter_version() != 100 || std::strcmp(sinter_status_text(SINTER_OK), "ok") != 0 ||
      std::strcmp(sinter_status_text(77), "unknown status") != 0) {
    testing::fail("version %d, status texts '%s' and '%s'", sinter_version(),
                  sinter_status_text(SINTER_OK), sinter_status_text(77));
  }
  return 0;
}
