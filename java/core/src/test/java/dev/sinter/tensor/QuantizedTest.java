package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizedTest {
  private static final CodeFormat ZEROS = new CodeFormat(4, Granularity.GROUP, 32, true);

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 31, 32, 33})
  void codesOfEveryWidthAreReadAsTheyWereWritten(int columns) {
    for (CodeFormat format : List.of(CodeFormat.perChannel(4), CodeFormat.perChannel(8))) {
      byte[] codes = new byte[columns];
      for (int k = 0; k < columns; k++) {
        codes[k] = (byte) random.integer(-format.maxCode() - 1, format.maxCode() + 1);
      }
      codes[0] = (byte) (-format.maxCode() - 1);
      codes[columns - 1] = (byte) format.maxCode();
      MemorySegment all = arena.allocate(3 + format.rowBytes(columns));
      format.write(codes, all, 3);
      byte[] read = new byte[columns];
      format.read(all, 3, read);
      assertArrayEquals(codes, read, format + " " + random);
    }
    expect("code 8 in 4 bits", () -> CodeFormat.perChannel(4).write(new byte[] {8}, null, 0));
    expect("code -9 in 4 bits", () -> CodeFormat.perChannel(4).write(new byte[] {-9}, null, 0));
  }

  @Test
  void decodesWithTheScaleAndTheZeroPointOfTheGroup() {
    Quantized q = grouped(2, 34, new float[] {1, 2, 3, 4}, new byte[] {8, 0, 15, 9});
    float[] row = new float[34];
    q.decodeRow(0, row);
    assertEquals(1, row[31]);
    assertEquals(2 * (1 + 8), row[32]);
    q.decodeRow(1, row);
    assertEquals(3 * (1 - 7), row[0]);
    assertEquals(0, row[33]);
    assertEquals(2 * 17 + 4 * 4 + 4, q.bytes());
    assertEquals("I4 in groups of 32 with zero points", q.format().toString());
    assertThrows(IllegalStateException.class, () -> q.scale(0));
  }

  @Test
  void badArgumentsAreNamed() {
    expect("bits must be 8 or 4, got 3", () -> CodeFormat.perChannel(3));
    expect("multiple of 32, got 48", () -> CodeFormat.inGroups(4, 48));
    expect("multiple of 32, got 0", () -> CodeFormat.inGroups(4, 0));
    expect("multiple of 32, got -32", () -> CodeFormat.inGroups(4, -32));
    expect("no group size", () -> new CodeFormat(4, Granularity.CHANNEL, 32, false));
    expect("for 4 bits, got 8", () -> new CodeFormat(8, Granularity.CHANNEL, 0, true));
    float[] scales = {1, 2};
    expect("need 17", () -> make(33, arena.allocate(16), scales, new byte[2]));
    expect("3 scales", () -> make(33, arena.allocate(17), new float[3], new byte[2]));
    expect("scale 1 is NaN", () -> make(33, arena.allocate(17), new float[] {0, Float.NaN}, null));
    expect("zero points are missing", () -> make(33, arena.allocate(17), scales, null));
    expect("3 zero points", () -> make(33, arena.allocate(17), scales, new byte[3]));
    expect("zero point 1 is 16", () -> make(33, arena.allocate(17), scales, new byte[] {0, 16}));
    expect("zero point 0 is -1", () -> make(33, arena.allocate(17), scales, new byte[] {-1, 0}));
    expect(
        "zero points are given",
        () ->
            new Quantized(
                "w", 1, 1, CodeFormat.perChannel(4), arena.allocate(1), new float[1], new byte[1]));
  }

  @Test
  void stacksKeepCodesScalesAndZeroPoints() {
    Quantized a = grouped(1, 33, new float[] {1, 2}, new byte[] {1, 2});
    Quantized b = grouped(2, 33, new float[] {3, 4, 5, 6}, new byte[] {3, 4, 5, 6});
    Quantized all = (Quantized) RowStack.of("all", List.of(a, b), Arena.ofAuto());
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, all.scales());
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6}, all.zeroPoints());
    float[] expected = new float[33];
    float[] actual = new float[33];
    for (int row = 0; row < 3; row++) {
      (row == 0 ? a : b).decodeRow(row == 0 ? 0 : row - 1, expected);
      all.decodeRow(row, actual);
      assertArrayEquals(expected, actual);
    }
    Quantized other =
        new Quantized(
            "other",
            1,
            33,
            CodeFormat.inGroups(4, 32),
            arena.allocate(17),
            new float[] {1, 1},
            null);
    expect("other cannot be stacked", () -> RowStack.of("all", List.of(a, other), arena));
  }

  @Test
  void oneScaleForAMatrixBecomesOneARowInAStack() {
    Quantized a =
        new Quantized("a", 2, 1, 4, Granularity.TENSOR, arena.allocate(2), new float[] {3});
    Quantized b =
        new Quantized("b", 1, 1, 4, Granularity.CHANNEL, arena.allocate(1), new float[] {5});
    Quantized all = (Quantized) RowStack.of("all", List.of(a, b), arena);
    assertEquals(CodeFormat.perChannel(4), all.format());
    assertArrayEquals(new float[] {3, 3, 5}, all.scales());
  }

  /** All codes are 1. */
  private Quantized grouped(int rows, int columns, float[] scales, byte[] zeroPoints) {
    MemorySegment codes = arena.allocate(rows * ZEROS.rowBytes(columns));
    codes.fill((byte) 0x11);
    return new Quantized("w", rows, columns, ZEROS, codes, scales, zeroPoints);
  }

  private static Quantized make(
      int columns, MemorySegment codes, float[] scales, byte[] zeroPoints) {
    return new Quantized("w", 1, columns, ZEROS, codes, scales, zeroPoints);
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
