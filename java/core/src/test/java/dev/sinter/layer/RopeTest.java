package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.KvType;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class RopeTest {
  private final TestRandom random = new TestRandom();

  private static double[] frequencies(int pairs, double base) {
    double[] inverse = new double[pairs];
    for (int i = 0; i < pairs; i++) {
      inverse[i] = Math.pow(base, -(double) i / pairs);
    }
    return inverse;
  }

  @Test
  void turnsPairsByPositionTimesFrequency() {
    int heads = 3;
    int kvHeads = 2;
    for (int headDim : new int[] {2, 8, 20, 64}) {
      for (int pairs : new int[] {headDim / 2, Math.max(1, headDim / 4)}) {
        float factor = 1.25f;
        double[] inverse = frequencies(pairs, 10000);
        Rope rope = Rope.of(heads, kvHeads, headDim, inverse, factor, 50);
        assertEquals(8L * 50 * pairs, rope.bytes());
        try (KvCache cache = KvCache.of(1, kvHeads, headDim, KvType.F32, 1 << 20);
            GuardedMemory memory = new GuardedMemory()) {
          KvBatch batch = new KvBatch(12);
          KvSequence a = cache.open();
          batch.add(a, 11);
          batch.advance();
          batch.add(cache.open(), 4);
          batch.add(a, 8);
          int width = (heads + 2 * kvHeads) * headDim;
          float[] before = random.normals(12 * width, 1);
          MemorySegment qkv = memory.floats(before);
          rope.step(qkv, batch).run(0, 5);
          rope.step(qkv, batch).run(5, 12);
          for (int row = 0; row < 12; row++) {
            int position = row < 4 ? row : row + 7;
            for (int i = 0; i < width; i++) {
              int element = i % headDim;
              boolean rotated = i / headDim < heads + kvHeads && element < 2 * pairs;
              double expected = before[row * width + i];
              double bound = 0;
              if (rotated) {
                int pair = element % pairs;
                double angle = position * inverse[pair];
                double x = before[row * width + i - element + pair];
                double y = before[row * width + i - element + pair + pairs];
                boolean first = element < pairs;
                double c = factor * Math.cos(angle);
                double s = factor * Math.sin(angle);
                expected = first ? x * c - y * s : y * c + x * s;
                bound = Tolerance.gamma(3) * factor * (Math.abs(x) + Math.abs(y));
              }
              float found = qkv.getAtIndex(JAVA_FLOAT, (long) row * width + i);
              String where =
                  "headDim " + headDim + ", row " + row + ", element " + i + " " + random;
              assertTrue(Math.abs(found - expected) <= bound, where);
            }
          }
          memory.check("rope");
        }
      }
    }
  }

  @Test
  void refusesPositionsBeyondItsTables() {
    Rope rope = Rope.of(1, 1, 8, frequencies(4, 10000), 1, 5);
    try (KvCache cache = KvCache.of(1, 1, 8, KvType.F32, 1 << 20);
        GuardedMemory memory = new GuardedMemory()) {
      KvBatch batch = new KvBatch(6);
      batch.add(cache.open(), 6);
      MemorySegment qkv = memory.floats(new float[6 * 3 * 8]);
      rope.step(qkv, batch).run(0, 5);
      String message =
          assertThrows(IllegalArgumentException.class, () -> rope.step(qkv, batch).run(5, 6))
              .getMessage();
      assertTrue(message.contains("position 5"), message);
    }
    double[] five = new double[5];
    assertThrows(IllegalArgumentException.class, () -> Rope.of(1, 1, 8, five, 1, 5));
    assertThrows(IllegalArgumentException.class, () -> Rope.of(1, 1, 8, new double[0], 1, 5));
    assertThrows(IllegalArgumentException.class, () -> Rope.of(1, 1, 10, five, 1, 0));
  }
}
