package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NormBounds;
import dev.sinter.testing.Shapes;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NormVectorTest {
  private static final float EPSILON = 1e-12f;
  private static final int ROWS = 5;

  private final TestRandom random = new TestRandom();

  @Test
  void staysWithinTheBoundOfItsRoundings() {
    int cases = 0;
    for (int bits : Widths.ofThisHost()) {
      for (int width : Shapes.widths()) {
        for (float mean : new float[] {0, 3, -20}) {
          for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            check(bits, width, mean, kind);
            cases++;
          }
        }
      }
    }
    assertEquals(Widths.ofThisHost().length * Shapes.widths().length * 6, cases);
  }

  private void check(int bits, int width, float mean, NormSpec.Kind kind) {
    String where = bits + " bits, " + kind + ", width " + width + ", mean " + mean + " " + random;
    // One element always equals its mean, and the distance is lost in epsilon.
    NormSpec spec = new NormSpec(kind, width, width == 1 ? 1 : EPSILON, null);
    float[] gamma = random.normals(width, 1);
    float[] beta = random.normals(width, 1);
    try (GuardedMemory memory = new GuardedMemory();
        NormKernel kernel = new VectorBackend(1, bits).norm(spec, gamma, beta);
        NormKernel reference = new ReferenceBackend().norm(spec, gamma, beta)) {
      float[] values = random.normals(ROWS * width, 2);
      for (int i = 0; i < values.length; i++) {
        values[i] += mean;
      }
      values[2 * width + width / 2] = Float.NaN;
      MemorySegment x = memory.floats(values);
      MemorySegment expected = memory.floats(values.length);
      MemorySegment actual = memory.floats(values.length);
      reference.run(x, expected, 0, ROWS);
      for (int row = 0; row < ROWS; row++) {
        float[] source = Arrays.copyOfRange(values, row * width, (row + 1) * width);
        double[] bounds =
            row == 2 ? new double[width] : NormBounds.of(source, gamma, beta, spec, where);
        if (row + 1 < ROWS) {
          MemorySegment next = actual.asSlice(4L * (row + 1) * width);
          byte[] before = next.toArray(JAVA_BYTE);
          kernel.run(x, actual, row, row + 1);
          assertArrayEquals(before, next.toArray(JAVA_BYTE), "next row, " + where);
        } else {
          kernel.run(x, actual, row, row + 1);
        }
        for (int i = 0; i < width; i++) {
          long at = (long) row * width + i;
          Tolerance.assertWithin(
              expected.getAtIndex(JAVA_FLOAT, at),
              actual.getAtIndex(JAVA_FLOAT, at),
              bounds[i],
              "row " + row + ", column " + i + ", " + where);
        }
      }
      kernel.run(x, x, 0, ROWS);
      assertArrayEquals(
          actual.toArray(JAVA_FLOAT), x.toArray(JAVA_FLOAT), "in place, all rows, " + where);
      memory.check(where);
    }
  }

  @Test
  void aRowOfZerosGivesBeta() {
    for (int bits : Widths.ofThisHost()) {
      for (int width : Shapes.widths()) {
        float[] gamma = random.normals(width, 1);
        float[] beta = random.normals(width, 1);
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
          NormSpec spec = new NormSpec(kind, width, EPSILON, null);
          String where = bits + " bits, " + kind + ", " + width + " " + random;
          try (GuardedMemory memory = new GuardedMemory();
              NormKernel kernel = new VectorBackend(1, bits).norm(spec, gamma, beta)) {
            MemorySegment x = memory.floats(new float[width]);
            kernel.run(x, x, 0, 1);
            assertArrayEquals(beta, x.toArray(JAVA_FLOAT), where);
          }
        }
      }
    }
  }

  @Test
  void refusesVectorsOfAnotherWidth() {
    VectorBackend backend = new VectorBackend(1, 0);
    NormSpec spec = new NormSpec(4, EPSILON);
    assertThrows(
        IllegalArgumentException.class, () -> backend.norm(spec, new float[3], new float[4]));
    assertThrows(
        IllegalArgumentException.class, () -> backend.norm(spec, new float[4], new float[5]));
  }
}
