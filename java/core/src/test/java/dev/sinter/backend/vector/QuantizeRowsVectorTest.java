package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.Shapes;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizeRowsVectorTest {
  private final TestRandom random = new TestRandom();

  /** Rows of every kind, one after the other. */
  private float[][] rows(int width) {
    List<float[]> rows = new ArrayList<>();
    for (float deviation : new float[] {1, 1e-3f, 1e-42f, 1e-38f, 1e30f}) {
      rows.add(random.normals(width, deviation));
    }
    for (float constant :
        new float[] {
          0, -0f, 1, -1, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, Float.MAX_VALUE
        }) {
      float[] row = new float[width];
      Arrays.fill(row, constant);
      rows.add(row);
    }
    float[] anything = new float[width];
    float[] subnormal = new float[width];
    float[] positive = new float[width];
    float[] ties = new float[width]; // scale 1 in both schemes if the row is wide enough
    float[] extremes = new float[width];
    for (int k = 0; k < width; k++) {
      anything[k] = random.anyFinite();
      subnormal[k] = random.integer(-400, 400) * Float.MIN_VALUE;
      positive[k] = random.uniform(5, 6);
      ties[k] = random.integer(-127, 127) + 0.5f;
      extremes[k] = random.integer(0, 2) == 0 ? Float.MAX_VALUE : -Float.MAX_VALUE;
    }
    ties[0] = -127;
    ties[width - 1] = 128;
    rows.addAll(List.of(anything, subnormal, positive, ties, extremes));
    for (int bits : new int[] {0x7FC00000, 0x7F800001, 0xFF800001, 0xFFFFFFFF}) {
      rows.add(withOne(width, Float.intBitsToFloat(bits)));
    }
    rows.add(withOne(width, Float.POSITIVE_INFINITY));
    rows.add(withOne(width, Float.NEGATIVE_INFINITY));
    rows.add(random.normals(width, 1)); // after the rows without a result
    return rows.toArray(float[][]::new);
  }

  private float[] withOne(int width, float value) {
    float[] row = random.normals(width, 1);
    row[random.integer(0, width)] = value;
    return row;
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void equalsTheReferenceBitForBit(ActivationScheme scheme) {
    int cases = 0;
    for (int bits : Widths.ofThisHost()) {
      for (int width : Shapes.widths()) {
        for (int padding : new int[] {0, 1, 13}) {
          check(bits, new QuantizeSpec(width, scheme), padding);
          cases++;
        }
        for (int step : new int[] {32, 96}) {
          if (step < width) {
            check(bits, new QuantizeSpec(width, scheme, false, step), 0);
          }
        }
      }
    }
    assertEquals(Widths.ofThisHost().length * Shapes.widths().length * 3, cases);
  }

  private void check(int bits, QuantizeSpec spec, int padding) {
    String where = bits + " bits, " + spec + "+" + padding + " " + random;
    int width = spec.width();
    float[][] rows = rows(width);
    try (GuardedMemory memory = new GuardedMemory();
        Arena arena = Arena.ofConfined();
        QuantizeKernel kernel = new VectorBackend(1, bits).quantize(spec);
        QuantizeKernel reference = new ReferenceBackend().quantize(spec)) {
      MemorySegment x = memory.floats((long) rows.length * width);
      for (int r = 0; r < rows.length; r++) {
        MemorySegment.copy(rows[r], 0, x, JAVA_FLOAT, 4L * r * width, width);
      }
      int stride = width + padding;
      ActivationBuffer actual = ActivationBuffer.allocate(memory, spec, rows.length, stride);
      ActivationBuffer expected = ActivationBuffer.allocate(arena, spec, rows.length, stride);
      for (int r = 0; r < rows.length; r++) {
        kernel.run(x, actual, r, r + 1);
        reference.run(x, expected, r, r + 1);
        String row = "row " + r + ", " + where;
        byte[] expectedCodes = codes(expected, r);
        assertArrayEquals(expectedCodes, codes(actual, r), row);
        assertEquals(
            expected.scales().getAtIndex(JAVA_INT, r),
            actual.scales().getAtIndex(JAVA_INT, r),
            "bits of the scale, " + row);
        assertEquals(
            expected.zeroPoints().getAtIndex(JAVA_INT, r),
            actual.zeroPoints().getAtIndex(JAVA_INT, r),
            "zero point, " + row);
        assertEquals(
            expected.sums().getAtIndex(JAVA_INT, r),
            actual.sums().getAtIndex(JAVA_INT, r),
            "sum, " + row);
        if (r + 1 < rows.length) {
          byte next = actual.data().get(JAVA_BYTE, (r + 1L) * stride);
          assertEquals(GuardedMemory.PATTERN, next, "written into the next row, " + row);
        }
      }
      if (spec.sumStep() != 0) {
        assertArrayEquals(
            expected.stepSums().toArray(JAVA_INT), actual.stepSums().toArray(JAVA_INT), where);
      }
      byte[] before = actual.data().toArray(JAVA_BYTE);
      kernel.run(x, actual, 0, rows.length);
      assertArrayEquals(before, actual.data().toArray(JAVA_BYTE), "all rows at once, " + where);
      memory.check(where);
    }
  }

  private static byte[] codes(ActivationBuffer buffer, int row) {
    long stride = buffer.stride();
    return buffer.data().asSlice(row * stride, stride).toArray(JAVA_BYTE);
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void refusesABufferOfAnotherShape(ActivationScheme scheme) {
    try (Arena arena = Arena.ofConfined();
        QuantizeKernel kernel = new VectorBackend(1, 0).quantize(new QuantizeSpec(8, scheme))) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, 16);
      ActivationBuffer narrow = ActivationBuffer.allocate(arena, scheme, 2, 7, 8);
      ActivationBuffer low = ActivationBuffer.allocate(arena, scheme, 1, 8, 8);
      assertThrows(IllegalArgumentException.class, () -> kernel.run(x, narrow, 0, 2));
      assertThrows(IllegalArgumentException.class, () -> kernel.run(x, low, 0, 2));
    }
  }
}
