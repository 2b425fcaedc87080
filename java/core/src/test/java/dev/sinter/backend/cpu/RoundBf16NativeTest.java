package dev.sinter.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class RoundBf16NativeTest {
  private static final int ROWS = 4;

  private final TestRandom random = new TestRandom();

  @Test
  void equalsTheReferenceBitForBit() {
    int cases = 0;
    for (Isa isa : RoundBf16Native.COMPILED) {
      for (int width : new int[] {1, 7, 16, 33, 384}) {
        if (isa.runsOn(CpuFeatures.host())) {
          compare(isa, width, width + cases % 3);
          cases++;
        }
      }
    }
    assertEquals(0, cases % 5);
  }

  private void compare(Isa isa, int width, int stride) {
    QuantizeSpec spec = new QuantizeSpec(width, ActivationScheme.BF16);
    String where = isa + ", width " + width + " " + random;
    try (GuardedMemory memory = new GuardedMemory();
        QuantizeKernel kernel = new RoundBf16Native(spec, isa);
        QuantizeKernel reference = new ReferenceBackend().quantize(spec)) {
      MemorySegment x = memory.floats((long) ROWS * width);
      for (int i = 0; i < ROWS * width; i++) {
        x.setAtIndex(JAVA_FLOAT, i, i % 29 == 5 ? Float.NaN : random.anyFinite());
      }
      ActivationBuffer actual = buffer(memory, width, stride);
      ActivationBuffer expected = buffer(memory, width, stride);
      kernel.run(x, actual, 1, 3); // rows 0 and 3 keep their pattern
      reference.run(x, expected, 1, 3);
      assertEquals(-1, expected.data().mismatch(actual.data()), where);
      memory.check(where);
    }
  }

  private static ActivationBuffer buffer(GuardedMemory memory, int width, int stride) {
    return ActivationBuffer.allocate(
        (bytes, alignment) -> memory.allocate(bytes), ActivationScheme.BF16, ROWS, width, stride);
  }

  @Test
  void refusesBuffersThatDoNotFit() {
    try (Arena arena = Arena.ofConfined();
        CpuBackend backend = new CpuBackend(1, null);
        QuantizeKernel kernel = backend.quantize(new QuantizeSpec(8, ActivationScheme.BF16))) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, 16);
      ActivationBuffer out = ActivationBuffer.allocate(arena, ActivationScheme.BF16, 2, 8, 8);
      kernel.run(x, out, 0, 2);
      ActivationBuffer codes =
          ActivationBuffer.allocate(arena, ActivationScheme.U8_PER_TOKEN, 2, 8, 8);
      assertThrows(IllegalArgumentException.class, () -> kernel.run(x, codes, 0, 2));
      assertThrows(IllegalArgumentException.class, () -> kernel.run(x, out, 0, 3));
      assertThrows(IllegalArgumentException.class, () -> kernel.run(x.asSlice(4), out, 0, 2));
      MemorySegment heap = MemorySegment.ofArray(new float[16]);
      assertThrows(IllegalArgumentException.class, () -> kernel.run(heap, out, 0, 2));
    }
  }
}
