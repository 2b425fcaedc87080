package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class AttentionVectorTest {
  private static final int HEADS = 2;
  private static final int START = 3;
  private static final int[] HEAD_DIMS = {1, 8, 20, 32, 64, 80};
  private static final int[] LENGTHS = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 61, 128};

  private final TestRandom random = new TestRandom();

  /** What an attention call reads and writes: START rows, the sequence, two more rows. */
  private record Data(float[] q, float[] k, float[] v, int headDim, int length) {
    int rows() {
      return START + length + 2;
    }

    int index(int row, int head, int d) {
      return ((START + row) * HEADS + head) * headDim + d;
    }
  }

  private Data data(int headDim, int length, float deviation) {
    int size = (START + length + 2) * HEADS * headDim;
    return new Data(
        random.normals(size, deviation),
        random.normals(size, deviation),
        random.normals(size, 1),
        headDim,
        length);
  }

  @Test
  void staysWithinTheBoundOfItsRoundings() {
    int cases = 0;
    for (int bits : Widths.ofThisHost()) {
      for (int headDim : HEAD_DIMS) {
        for (int length : LENGTHS) {
          check(bits, data(headDim, length, 1), 128, "");
          cases++;
        }
      }
      check(bits, data(32, 512, 1), 512, "");
      check(bits, data(32, 509, 1), 512, "");
    }
    assertEquals(Widths.ofThisHost().length * HEAD_DIMS.length * LENGTHS.length, cases);
  }

  @Test
  void extremeScores() {
    for (int bits : Widths.ofThisHost()) {
      for (int length : new int[] {1, 5, 16, 37}) {
        for (float score : new float[] {0, 80, 1e4f}) {
          // one component decides: scores are -score, 0 and score, with ties for the largest
          Data data = data(32, length, 0);
          for (int row = 0; row < length; row++) {
            for (int head = 0; head < HEADS; head++) {
              data.q[data.index(row, head, 7)] = random.integer(0, 2) * 2 - 1;
              data.k[data.index(row, head, 7)] =
                  random.integer(-1, 2) * score * (float) Math.sqrt(32);
            }
          }
          check(bits, data, length, ", scores " + score);
        }
      }
    }
  }

  private void check(int bits, Data data, int maxLength, String what) {
    String where =
        bits + " bits, headDim " + data.headDim + ", length " + data.length + what + " " + random;
    AttentionSpec spec = new AttentionSpec(HEADS, data.headDim, maxLength);
    try (GuardedMemory memory = new GuardedMemory();
        AttentionKernel kernel = new VectorBackend(2, bits).attention(spec);
        AttentionKernel reference = new ReferenceBackend().attention(spec)) {
      // The sequence ends the buffers: nothing behind it can be read.
      int size = (START + data.length) * HEADS * data.headDim;
      MemorySegment q = memory.floats(Arrays.copyOf(data.q, size));
      MemorySegment k = memory.floats(Arrays.copyOf(data.k, size));
      MemorySegment v = memory.floats(Arrays.copyOf(data.v, size));
      MemorySegment expected = memory.floats(size);
      MemorySegment actual = memory.floats(size);
      int head = HEADS - 1;
      kernel.run(1, q, k, v, HEADS * data.headDim, actual, START, data.length, head);
      reference.run(0, q, k, v, HEADS * data.headDim, expected, START, data.length, head);
      double largest = 0;
      for (int row = 0; row < data.length; row++) {
        double[] bounds = bounds(data, row, head);
        for (int d = 0; d < data.headDim; d++) {
          int at = data.index(row, head, d);
          largest = Math.max(largest, bounds[d]);
          Tolerance.assertWithin(
              expected.getAtIndex(JAVA_FLOAT, at),
              actual.getAtIndex(JAVA_FLOAT, at),
              bounds[d],
              "row " + row + ", column " + d + ", " + where);
        }
      }
      Tolerance.assertTelling(largest, 1, where); // the deviation of the values
      assertUntouched(actual, expected, where);
      memory.check(where);
    }
  }

  /** Both kernels leave the same elements at the pattern: all but the head's. */
  private static void assertUntouched(MemorySegment actual, MemorySegment expected, String where) {
    int pattern = GuardedMemory.PATTERN & 0xFF;
    pattern |= pattern << 8 | pattern << 16 | pattern << 24;
    int untouched = 0;
    for (long i = 0; i < expected.byteSize() / 4; i++) {
      if (Float.floatToRawIntBits(expected.getAtIndex(JAVA_FLOAT, i)) == pattern) {
        float found = actual.getAtIndex(JAVA_FLOAT, i);
        assertEquals(pattern, Float.floatToRawIntBits(found), "element " + i + ", " + where);
        untouched++;
      }
    }
    assertTrue(untouched > 0, where);
  }

  /**
   * With p the exact softmax and o the exact output, an exponential that is off by a factor 1 + e_j
   * moves the output by {@code sum p_j e_j (v_j - o) / (1 + sum p_j e_j)}. e_j comes from the dot
   * product, the three roundings of its difference to the maximum times the scale, and the
   * exponential. Both sums over keys and the division add the rest.
   */
  private static double[] bounds(Data data, int row, int head) {
    double scale = 1 / Math.sqrt(data.headDim);
    double[] x = new double[data.length];
    double[] magnitude = new double[data.length];
    for (int j = 0; j < data.length; j++) {
      for (int d = 0; d < data.headDim; d++) {
        double product =
            (double) data.q[data.index(row, head, d)] * data.k[data.index(j, head, d)] * scale;
        x[j] += product;
        magnitude[j] += Math.abs(product);
      }
    }
    double max = Arrays.stream(x).max().orElseThrow();
    double sum = Arrays.stream(x).map(s -> Math.exp(s - max)).sum();
    double[] error = new double[data.length]; // p_j e_j
    double total = 0;
    for (int j = 0; j < data.length; j++) {
      double argument =
          Tolerance.dot(data.headDim, magnitude[j]) + Tolerance.gamma(3) * (max - x[j]) * 1.01;
      double e = Math.expm1(argument) + Tolerance.gamma(4);
      // What underflows is off by all of itself.
      error[j] = Math.exp(x[j] - max) / sum * (x[j] - max < -86 ? 1 : e);
      total += error[j];
    }
    double[] bounds = new double[data.headDim];
    for (int d = 0; d < data.headDim; d++) {
      double out = 0;
      double weight = 0;
      for (int j = 0; j < data.length; j++) {
        double p = Math.exp(x[j] - max) / sum;
        out += p * data.v[data.index(j, head, d)];
        weight += p * Math.abs(data.v[data.index(j, head, d)]);
      }
      double moved = 0;
      for (int j = 0; j < data.length; j++) {
        moved += error[j] * Math.abs(data.v[data.index(j, head, d)] - out);
      }
      bounds[d] =
          moved / (1 - total)
              + 1.01 * weight * Tolerance.gamma(2 * data.length + 4)
              + Tolerance.rounding(out);
    }
    return bounds;
  }

  @Test
  void aRowDependsOnItsSequenceAlone() {
    for (int bits : Widths.ofThisHost()) {
      for (int headDim : new int[] {20, 32}) {
        AttentionSpec spec = new AttentionSpec(HEADS, headDim, 64);
        int length = 21;
        int width = HEADS * headDim;
        Data data = data(headDim, length, 1);
        String where = bits + " bits, headDim " + headDim + " " + random;
        try (Arena arena = Arena.ofConfined();
            AttentionKernel kernel = new VectorBackend(3, bits).attention(spec)) {
          MemorySegment q = arena.allocateFrom(JAVA_FLOAT, data.q);
          MemorySegment k = arena.allocateFrom(JAVA_FLOAT, data.k);
          MemorySegment v = arena.allocateFrom(JAVA_FLOAT, data.v);
          MemorySegment out = arena.allocate(q.byteSize());
          kernel.run(0, q, k, v, width, out, START, length, 1);
          float[] expected = out.toArray(JAVA_FLOAT);

          // A sequence full of NaN, longer and through the same scratch, leaves no trace.
          MemorySegment nan = arena.allocate(JAVA_FLOAT, 64L * width);
          for (int i = 0; i < 64 * width; i++) {
            nan.setAtIndex(JAVA_FLOAT, i, Float.intBitsToFloat(0x7FC00001));
          }
          MemorySegment nanOut = arena.allocate(nan.byteSize());
          kernel.run(2, nan, nan, nan, width, nanOut, 0, 64, 0);
          for (int i = 0; i < headDim; i++) {
            assertTrue(Float.isNaN(nanOut.getAtIndex(JAVA_FLOAT, 63L * width + i)), where);
          }
          out.fill((byte) 0);
          kernel.run(2, q, k, v, width, out, START, length, 1);
          assertArrayEquals(expected, out.toArray(JAVA_FLOAT), "after NaN, " + where);

          // Side by side in one matrix, as one matmul leaves them.
          int rows = data.q.length / width;
          MemorySegment all = arena.allocate(JAVA_FLOAT, 3L * rows * width);
          for (int row = 0; row < rows; row++) {
            long from = 4L * row * width;
            MemorySegment.copy(q, from, all, 3 * from, 4L * width);
            MemorySegment.copy(k, from, all, 3 * from + 4L * width, 4L * width);
            MemorySegment.copy(v, from, all, 3 * from + 8L * width, 4L * width);
          }
          MemorySegment keys = all.asSlice(4L * width);
          MemorySegment values = all.asSlice(8L * width);
          out.fill((byte) 0);
          kernel.run(1, all, keys, values, 3 * width, out, START, length, 1);
          assertArrayEquals(expected, out.toArray(JAVA_FLOAT), "strided, " + where);

          // At another place, and by compiled code instead of interpreted.
          long shift = 4L * START * width;
          for (int i = 0; i < 3000; i++) {
            kernel.run(
                0, q.asSlice(shift), k.asSlice(shift), v.asSlice(shift), width, out, 0, length, 1);
          }
          float[] moved = out.toArray(JAVA_FLOAT);
          for (int row = 0; row < length; row++) {
            for (int d = 0; d < headDim; d++) {
              assertEquals(
                  expected[data.index(row, 1, d)],
                  moved[(row * HEADS + 1) * headDim + d],
                  "moved, " + where);
            }
          }
        }
      }
    }
  }

  @Test
  void aNanQueryMakesItsRowNanAndNoOther() {
    for (int bits : Widths.ofThisHost()) {
      for (int payload : new int[] {0x7FC00000, 0x7FC00001, 0xFFC000FF, 0x7F800001}) {
        Data data = data(32, 19, 1);
        data.q[data.index(17, 0, 5)] = Float.intBitsToFloat(payload);
        AttentionSpec spec = new AttentionSpec(HEADS, 32, 19);
        try (Arena arena = Arena.ofConfined();
            AttentionKernel kernel = new VectorBackend(1, bits).attention(spec)) {
          MemorySegment q = arena.allocateFrom(JAVA_FLOAT, data.q);
          MemorySegment k = arena.allocateFrom(JAVA_FLOAT, data.k);
          MemorySegment v = arena.allocateFrom(JAVA_FLOAT, data.v);
          MemorySegment out = arena.allocate(q.byteSize());
          kernel.run(0, q, k, v, HEADS * 32, out, START, 19, 0);
          for (int row = 0; row < 19; row++) {
            for (int d = 0; d < 32; d++) {
              float found = out.getAtIndex(JAVA_FLOAT, data.index(row, 0, d));
              assertEquals(row == 17, Float.isNaN(found), bits + ", row " + row + " " + random);
            }
          }
        }
      }
    }
  }

  @Test
  void exponentialOverItsWholeRange() {
    int chunk = 1 << 12;
    double worst = 0;
    int checked = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(4L * chunk, 64);
      MemorySegment x = arena.allocate(4L * chunk + 64, 64);
      int bits = Float.floatToRawIntBits(-0f); // through all negative floats, larger and larger
      boolean more = true;
      while (more) {
        for (int i = 0; i < chunk; i++) {
          values.setAtIndex(JAVA_FLOAT, i, Float.intBitsToFloat(bits));
          bits = Math.min(bits + 997, Float.floatToRawIntBits(Float.NEGATIVE_INFINITY));
        }
        MemorySegment.copy(values, 0, x, 0, values.byteSize());
        new ExponentialVector().apply(x, 0, 4 * chunk, 0, 1, 4L * chunk);
        for (int i = 0; i < chunk; i++) {
          float argument = values.getAtIndex(JAVA_FLOAT, i);
          float found = x.getAtIndex(JAVA_FLOAT, i);
          if (argument < -87) {
            boolean small = found >= 0 && found <= (argument <= -88 ? 0 : Math.exp(-87));
            assertTrue(small, "exp " + argument + " is " + found);
          } else {
            double exact = StrictMath.exp(argument);
            worst = Math.max(worst, Math.abs(found - exact) / exact);
            checked++;
          }
        }
        more = Float.intBitsToFloat(bits) != Float.NEGATIVE_INFINITY;
      }
    }
    assertTrue(checked > 1_000_000, "checked " + checked);
    assertTrue(worst < 3 * Tolerance.UNIT, "relative error " + worst);
  }

  @Test
  void refusesWhatItHasNoScratchFor() {
    AttentionSpec spec = new AttentionSpec(2, 4, 8);
    try (Arena arena = Arena.ofConfined();
        AttentionKernel kernel = new VectorBackend(1, 0).attention(spec)) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, 8 * 9);
      for (int[] bad : new int[][] {{0, 0}, {9, 0}, {8, 2}, {8, -1}}) {
        assertThrows(
            IllegalArgumentException.class,
            () -> kernel.run(0, x, x, x, 8, x, 0, bad[0], bad[1]),
            Arrays.toString(bad));
      }
      assertThrows(
          IllegalArgumentException.class, () -> kernel.run(0, x, x, x, 7, x, 0, 8, 0), "stride 7");
      assertThrows(IndexOutOfBoundsException.class, () -> kernel.run(1, x, x, x, 8, x, 0, 1, 0));
    }
  }
}
