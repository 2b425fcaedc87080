package dev.sinter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.sinter.backend.LimitsProbe;
import dev.sinter.backend.LimitsProbe.Type;
import dev.sinter.backend.cpu.LimitsNative;
import dev.sinter.backend.vector.LimitsVector;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MachineLimitsTest {
  private final TestRandom random = new TestRandom();

  static List<LimitsProbe> probes() {
    return Stream.of(LimitsNative.find(), LimitsVector.find()).flatMap(p -> p.stream()).toList();
  }

  @Test
  void nativeCodeIsFoundWhereTheCpuHasIt() {
    assumeFalse(NativeBuild.isOff(), NativeBuild.REASON);
    CpuFeatures cpu = CpuFeatures.host();
    assertEquals(cpu.has("avx2"), LimitsNative.find().isPresent());
    assertEquals(
        cpu.has("avx512bf16"), LimitsNative.find().map(p -> p.multiplier(Type.BF16)).isPresent());
  }

  @ParameterizedTest
  @MethodSource("probes")
  void readsEveryWord(LimitsProbe probe) {
    try (Arena arena = Arena.ofConfined()) {
      for (int blocks : new int[] {0, 1, 2, 17}) {
        MemorySegment data = arena.allocate((long) blocks * LimitsProbe.BLOCK, 64);
        long sum = 0;
        for (long i = 0; i < data.byteSize() / 8; i++) {
          long word = (long) random.integer(Integer.MIN_VALUE, Integer.MAX_VALUE) << 13;
          data.setAtIndex(ValueLayout.JAVA_LONG, i, word);
          sum += word;
        }
        assertEquals(0, probe.read(data, 0), probe.reader());
        assertEquals(sum, probe.read(data, 1), () -> probe.reader() + random);
        assertEquals(5 * sum, probe.read(data, 5), () -> probe.reader() + random);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("probes")
  void multipliesAsOftenAsItSays(LimitsProbe probe) {
    for (Type type : Type.values()) {
      if (probe.multiplier(type) == null) {
        assertThrows(IllegalArgumentException.class, () -> probe.multiply(type, 1));
        continue;
      }
      long once = probe.multiply(type, 1);
      assertTrue(once >= 2, probe.multiplier(type));
      assertEquals(0, probe.multiply(type, 0));
      assertEquals(1001 * once, probe.multiply(type, 1001), probe.multiplier(type));
      assertThrows(
          IllegalArgumentException.class,
          () -> probe.multiply(type, LimitsProbe.MAX_ITERATIONS + 1));
    }
  }

  @ParameterizedTest
  @MethodSource("probes")
  void refusesMemoryItCannotRead(LimitsProbe probe) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(2 * LimitsProbe.BLOCK, 64);
      for (MemorySegment bad :
          List.of(
              data.asSlice(0, LimitsProbe.BLOCK + 8),
              data.asSlice(8, LimitsProbe.BLOCK),
              MemorySegment.ofArray(new long[LimitsProbe.BLOCK / 8]))) {
        assertThrows(IllegalArgumentException.class, () -> probe.read(bad, 1));
      }
    }
  }

  @Test
  void measuresWhatThereIsCodeFor() {
    for (int threads : new int[] {1, 2}) {
      MachineLimits limits = MachineLimits.measure(threads, Duration.ofMillis(1));
      assertEquals(threads, limits.threads());
      assertTrue(limits.forkJoinMicros() > 0, limits.toString());
      if (!probes().isEmpty()) {
        assertTrue(limits.dramGbs() > 0 && limits.l2Gbs() > 0, limits.toString());
        assertTrue(limits.f32PeakGflops() > 0, limits.toString());
      }
      if (!NativeBuild.isOff()) {
        assertEquals(
            CpuFeatures.host().has("avx2"), limits.int8PeakGops() != null, limits.toString());
      }
    }
  }

  @Test
  void theBetterFigureWins() {
    MachineLimits a = new MachineLimits(2, 1.0, 5.0, null, 7.0, null, 9.0, 0.4);
    MachineLimits b = new MachineLimits(2, 2.0, 4.0, 3.0, null, null, 10.0, 0.3);
    assertEquals(new MachineLimits(2, 2.0, 5.0, 3.0, 7.0, null, 10.0, 0.3), a.max(b));
    assertNull(a.max(b).bf16PeakGflops());
    assertNotNull(a.max(b).l3Gbs());
    MachineLimits other = new MachineLimits(1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0);
    assertThrows(IllegalArgumentException.class, () -> a.max(other));
  }
}
