package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Bf16Test {
  private final TestRandom random = new TestRandom();

  @ParameterizedTest
  @CsvSource({
    "0x1p0, 3f80",
    "-0x0p0, 8000",
    "0x1.01p0, 3f80", // a tie, to even
    "0x1.03p0, 3f82", // a tie, to even
    "0x1.010002p0, 3f81", // just above a tie
    "0x1.feffp0, 3fff",
    "0x1.fffffep127, 7f80", // beyond the largest
    "0x1p-149, 0000",
    "0x1p-133, 0001", // the smallest subnormal
    "Infinity, 7f80",
    "-Infinity, ff80"
  })
  void roundsHalfToEven(float value, String bits) {
    assertEquals(bits, String.format("%04x", DType.roundToBf16(value) & 0xffff));
  }

  @Test
  void nanStaysNan() {
    for (int bits : new int[] {0x7fc00000, 0x7f800001, 0xffffffff, 0x7fffffff}) {
      short rounded = DType.roundToBf16(Float.intBitsToFloat(bits));
      assertTrue(Float.isNaN(Float.intBitsToFloat(rounded << 16)), Integer.toHexString(bits));
    }
  }

  @Test
  void aMatrixIsRoundedElementByElement() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(4L * 15, 4);
      random.fill(data, 1);
      Dense exact = new Dense("w", 3, 5, DType.F32, data);
      Dense rounded = exact.toBf16(arena);
      assertEquals(30, rounded.bytes());
      assertSame(rounded, rounded.toBf16(arena));
      float[] row = new float[5];
      rounded.decodeRow(2, row);
      for (int k = 0; k < 5; k++) {
        float value = data.getAtIndex(ValueLayout.JAVA_FLOAT, 10 + k);
        assertEquals(DType.roundToBf16(value), (short) (Float.floatToIntBits(row[k]) >> 16));
        assertTrue(Math.abs(value - row[k]) <= Math.abs(value) * 0x1p-8f, random.toString());
      }
    }
  }
}
