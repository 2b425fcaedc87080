package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.runtime.CpuFeatures;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IsaTest {
  private static final String AVX2 = "avx2 fma f16c";
  private static final String AVX512 = AVX2 + " avx512f avx512bw avx512vl avx512dq";

  private static CpuFeatures cpu(String features) {
    return new CpuFeatures("test", Set.of(features.split(" ")));
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "null",
      value = {
        "sse2, null, SCALAR",
        "sse2, scalar, SCALAR",
        "avx2 fma, null, SCALAR",
        AVX2 + ", null, AVX2",
        AVX2 + ", scalar, SCALAR",
        AVX2 + ", avx2, AVX2",
        AVX2 + " avxvnni, avxvnni, AVX2",
        AVX2 + " avx512f, null, AVX2",
        AVX512 + ", null, AVX512",
        AVX512 + ", avx2, AVX2",
        AVX512 + " avxvnni avx512vnni, avxvnni, AVX2",
        AVX512 + " avx512vnni, avx512vnni, AVX512",
        AVX512 + " avx512vnni, scalar, SCALAR",
      })
  void isTheBestThatHostAndCapAllow(String features, String cap, Isa expected) {
    assertEquals(expected, Isa.best(cpu(features), cap));
  }

  @ParameterizedTest
  @CsvSource({
    "sse2, avx2",
    "avx2 fma, avx2",
    AVX2 + ", avxvnni",
    AVX2 + ", avx512vnni",
    AVX512 + ", avx512vnni",
    "avx512vnni, avx512vnni"
  })
  void refusesACapTheCpuLacks(String features, String cap) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Isa.best(cpu(features), cap))
            .getMessage();
    assertTrue(message.contains(cap + ", which this CPU lacks"), message);
  }

  @Test
  void refusesAnUnknownCap() {
    for (String cap : new String[] {"avx512", "AVX2", "", "neon"}) {
      assertEquals(
          "sinter.isa must be one of [scalar, avx2, avxvnni, avx512vnni], got '" + cap + "'",
          assertThrows(IllegalArgumentException.class, () -> new CpuBackend(1, cap)).getMessage());
    }
  }
}
