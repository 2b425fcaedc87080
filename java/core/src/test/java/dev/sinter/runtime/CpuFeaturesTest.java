package dev.sinter.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.bindings.sinter.sinter_h;
import dev.sinter.testing.NativeBuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class CpuFeaturesTest {
  private static final List<String> NAMES =
      List.of(
          "amxbf16",
          "amxint8",
          "avx2",
          "avx512bf16",
          "avx512bw",
          "avx512dq",
          "avx512f",
          "avx512vl",
          "avx512vnni",
          "avxvnni",
          "f16c",
          "fma");

  @Test
  @EnabledOnOs(OS.LINUX)
  void bothSourcesAgree() throws IOException {
    CpuFeatures told = CpuFeatures.parse(Files.readAllLines(Path.of("/proc/cpuinfo")));
    assertEquals(told, CpuFeatures.host());
    if (!NativeBuild.isOff()) {
      assertInstanceOf(NativeLibraries.Loaded.class, NativeLibraries.sinter());
      assertEquals(told, CpuFeatures.decode(told.model(), sinter_h.sinter_cpu_features()));
    }
  }

  @Test
  void everyBitHasItsName() {
    assertEquals(NAMES, List.copyOf(CpuFeatures.decode("any", -1).features()));
    assertEquals(Set.of(), CpuFeatures.decode("any", 0).features());
    CpuFeatures some =
        CpuFeatures.decode("any", sinter_h.SINTER_CPU_AVX512VNNI() | sinter_h.SINTER_CPU_AMXBF16());
    assertEquals(List.of("amxbf16", "avx512vnni"), List.copyOf(some.features()));
    assertTrue(some.has("avx512vnni"));
    assertFalse(some.has("avxvnni"));
  }

  @Test
  void everyFlagHasItsName() {
    CpuFeatures all =
        CpuFeatures.parse(
            List.of(
                "processor\t: 0",
                "model name\t: A CPU @ 2.00GHz: fast",
                "flags\t\t: fpu avx avx2 fma f16c avx512f avx512bw avx512vl avx512dq avx512_vnni "
                    + "avx512_bf16 avx_vnni amx_int8 amx_bf16 amx_tile",
                "vmx flags\t: vnmi",
                "flags\t\t: fpu"));
    assertEquals("A CPU @ 2.00GHz: fast", all.model());
    assertEquals(NAMES, List.copyOf(all.features()));
    assertEquals(new CpuFeatures("unknown", Set.of()), CpuFeatures.parse(List.of()));
  }
}
