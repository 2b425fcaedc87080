package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class BiasCorrectionTest {
  @Test
  void takesTheMeanErrorOffTheBias() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment w = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2.25f, -3, 4);
      Dense original = new Dense("w", 2, 2, DType.F32, w);
      MemorySegment codes = arena.allocateFrom(ValueLayout.JAVA_BYTE, new byte[] {1, 2, -2, 4});
      Quantized compressed =
          new Quantized("w", 2, 2, 8, Granularity.TENSOR, codes, new float[] {1});
      // Row 0 is off by 0.25 in column 1, row 1 by -1 in column 0.
      assertArrayEquals(
          new float[] {10.5f, 17},
          BiasCorrection.correct(original, compressed, new float[] {10, 20}, new float[] {3, 2}));
      assertThrows(
          IllegalArgumentException.class,
          () -> BiasCorrection.correct(original, compressed, new float[1], new float[2]));
    }
  }
}
