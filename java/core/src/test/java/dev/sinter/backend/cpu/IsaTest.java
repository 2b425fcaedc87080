package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.runtime.CpuFeatures;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
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
        AVX2 + ", null, SCALAR AVX2",
        AVX2 + ", scalar, SCALAR",
        AVX2 + " avxvnni, avx2, SCALAR AVX2",
        AVX2 + " avxvnni, avxvnni, SCALAR AVX2 AVXVNNI",
        AVX2 + " avx512f, null, SCALAR AVX2",
        AVX512 + ", null, SCALAR AVX2 AVX512",
        AVX512 + " avx512vnni, null, SCALAR AVX2 AVX512 AVX512VNNI",
        AVX512 + " avx512vnni, avx2, SCALAR AVX2",
        AVX512 + " avxvnni avx512vnni, avxvnni, SCALAR AVX2 AVXVNNI",
        AVX512 + " avx512vnni, avx512vnni, SCALAR AVX2 AVX512 AVX512VNNI",
        AVX512 + " avx512vnni, scalar, SCALAR",
        AVX512 + " avx512vnni avx512bf16, null, SCALAR AVX2 AVX512 AVX512VNNI AVX512BF16",
        AVX512 + " avx512vnni avx512bf16, avx512vnni, SCALAR AVX2 AVX512 AVX512VNNI",
        AVX512 + " avx512bf16, null, SCALAR AVX2 AVX512 AVX512BF16",
      })
  void whatHostAndCapAllow(String features, String cap, String expected) {
    List<Isa> isas = Arrays.stream(expected.split(" ")).map(Isa::valueOf).toList();
    assertEquals(EnumSet.copyOf(isas), Isa.allowed(cpu(features), cap));
  }

  @Test
  void theBestIsTheHighestThatIsCompiled() {
    Set<Isa> compiled = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);
    assertEquals(Isa.SCALAR, Isa.best(EnumSet.of(Isa.SCALAR), compiled));
    assertEquals(Isa.AVX2, Isa.best(EnumSet.range(Isa.SCALAR, Isa.AVXVNNI), compiled));
    assertEquals(Isa.AVX512, Isa.best(EnumSet.allOf(Isa.class), compiled));
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
        assertThrows(IllegalArgumentException.class, () -> Isa.allowed(cpu(features), cap))
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
