package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
    for (Code code : Code.values()) {
      CodeFormat format = new CodeFormat(code, Granularity.CHANNEL, 0, false);
      byte[] codes = new byte[columns];
      for (int k = 0; k < columns; k++) {
        do {
          codes[k] = (byte) random.integer(code.min(), code.max() + 1);
        } while (!code.has(codes[k]));
      }
      codes[0] = (byte) code.min();
      codes[columns - 1] = (byte) code.max();
      MemorySegment all = arena.allocate(3 + format.rowBytes(columns));
      format.write(codes, all, 3);
      byte[] read = new byte[columns];
      format.read(all, 3, read);
      assertArrayEquals(codes, read, format + " " + random);
    }
    expect("8 is no code of I4", () -> CodeFormat.perChannel(4).write(new byte[] {8}, null, 0));
    expect("-9 is no code of I4", () -> CodeFormat.perChannel(4).write(new byte[] {-9}, null, 0));
  }

  @Test
  void theFirstCodeIsInTheLowestBits() {
    MemorySegment bytes = arena.allocate(2);
    CodeFormat ternary = new CodeFormat(Code.TERNARY, Granularity.CHANNEL, 0, false);
    ternary.write(new byte[] {1, -1, 0, 1, -1}, bytes, 0);
    assertEquals(2, ternary.rowBytes(5));
    assertEquals((byte) 0b01_00_11_01, bytes.get(ValueLayout.JAVA_BYTE, 0));
    assertEquals(0b11, bytes.get(ValueLayout.JAVA_BYTE, 1));
    CodeFormat binary = new CodeFormat(Code.BINARY, Granularity.CHANNEL, 0, false);
    binary.write(new byte[] {1, -1, -1, 1, 1, 1, -1, 1, 1}, bytes, 0);
    assertEquals(2, binary.rowBytes(9));
    assertEquals((byte) 0b1011_1001, bytes.get(ValueLayout.JAVA_BYTE, 0));
    assertEquals(1, bytes.get(ValueLayout.JAVA_BYTE, 1));
    expect("-2 is no code of TERNARY", () -> ternary.write(new byte[] {-2}, null, 0));
    expect("2 is no code of TERNARY", () -> ternary.write(new byte[] {2}, null, 0));
    expect("0 is no code of BINARY", () -> binary.write(new byte[] {0}, null, 0));
    bytes.set(ValueLayout.JAVA_BYTE, 0, (byte) 0b10_00_00);
    expect("code 2 of a row is -2", () -> ternary.read(bytes, 0, new byte[3]));
    expect("for I4, got TERNARY", () -> new CodeFormat(Code.TERNARY, Granularity.CHANNEL, 0, true));
    Quantized q =
        new Quantized("w", 1, 3, binary, bytes.asSlice(0, 1).fill((byte) 5), new float[] {2}, null);
    float[] row = new float[3];
    q.decodeRow(0, row);
    assertArrayEquals(new float[] {2, -2, 2}, row);
    assertEquals("BINARY per CHANNEL", q.format().toString());
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
    expect("for I4, got I8", () -> new CodeFormat(8, Granularity.CHANNEL, 0, true));
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
