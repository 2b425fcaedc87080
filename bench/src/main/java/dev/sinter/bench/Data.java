package dev.sinter.bench;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Made-up activations and weights, the same in every run. */
final class Data {
  private static final long ALIGNMENT = 64;
  private static final long SEED = 0x9e3779b97f4a7c15L;

  private Data() {}

  /** Activations, uniform in [-1, 1). */
  static MemorySegment activations(int rows, int columns, Arena arena) {
    return uniform((long) rows * columns, 1, SEED, arena);
  }

  /** A matrix [n, k], uniform, scaled so that its products with activations are about 1. */
  static Dense weights(int n, int k, Arena arena) {
    float scale = (float) (3 / Math.sqrt(k));
    return new Dense("bench", n, k, DType.F32, uniform((long) n * k, scale, ~SEED, arena));
  }

  /** Room for f32 [rows, columns], and at least a cache line. */
  static MemorySegment floats(int rows, int columns, Arena arena) {
    return arena.allocate(4L * rows * columns, ALIGNMENT);
  }

  /** Some rows of a matrix, one after another. */
  static Dense rows(Dense matrix, int[] rows, Arena arena) {
    long bytes = 4L * matrix.columns();
    MemorySegment data = arena.allocate(bytes * rows.length, ALIGNMENT);
    for (int i = 0; i < rows.length; i++) {
      MemorySegment.copy(matrix.data(), bytes * rows[i], data, bytes * i, bytes);
    }
    return new Dense(matrix.name(), rows.length, matrix.columns(), DType.F32, data);
  }

  // Marsaglia's xorshift: a matrix of 45 million values must not take longer than its measurement.
  private static MemorySegment uniform(long count, float scale, long seed, Arena arena) {
    MemorySegment values = arena.allocate(4 * count, ALIGNMENT);
    long state = seed;
    for (long i = 0; i < count; i++) {
      state ^= state << 13;
      state ^= state >>> 7;
      state ^= state << 17;
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (int) (state >> 32) * 0x1p-31f * scale);
    }
    return values;
  }
}
