package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class PoolerTest {
  // Rows 1 and 2 are the sentence's.
  private static final MemorySegment X =
      Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, 9, 9, 3, 4, 5, 0, 9, 9);

  @Test
  void theFirstTokenOrTheMeanScaledOrNot() {
    assertArrayEquals(new float[] {3, 4}, pool(Pooling.CLS, false));
    assertArrayEquals(new float[] {0.6f, 0.8f}, pool(Pooling.CLS, true));
    assertArrayEquals(new float[] {4, 2}, pool(Pooling.MEAN, false));
    float root = (float) Math.sqrt(5);
    assertArrayEquals(new float[] {2 / root, 1 / root}, pool(Pooling.MEAN, true), 1e-7f);
  }

  @Test
  void nothingHasNoDirection() {
    MemorySegment zeros = Arena.ofAuto().allocate(8, 4);
    assertArrayEquals(new float[2], new Pooler(Pooling.CLS, true).pool(zeros, 2, 0, 1));
  }

  private static float[] pool(Pooling pooling, boolean normalize) {
    return new Pooler(pooling, normalize).pool(X, 2, 1, 2);
  }
}
