package dev.sinter.bench;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

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

  /**
   * Makes zeros of uniform weights, as pruning by magnitude would: anywhere, in whole blocks or
   * groups.
   *
   * @param share of blocks or weights, about; N:M has its own
   */
  static void makeZeros(Sparsity structure, double share, Dense weights) {
    SplittableRandom random = new SplittableRandom(SEED);
    int height = structure instanceof Sparsity.Blocks b ? b.rows() : 1;
    int width =
        switch (structure) {
          case Sparsity.Blocks b -> b.columns();
          case Sparsity.NofM p -> p.m();
          case Sparsity.Unstructured _ -> 1;
        };
    for (int row = 0; row < weights.rows(); row += height) {
      for (int column = 0; column < weights.columns(); column += width) {
        if (structure instanceof Sparsity.NofM p) {
          int first = random.nextInt(p.m());
          for (int i = 0; i < p.m() - p.n(); i++) {
            zero(weights, row, column + (first + i) % p.m(), 1, 1);
          }
        } else if (random.nextDouble() < share) {
          zero(weights, row, column, height, width);
        }
      }
    }
  }

  /** A block, as far as it lies within the matrix. */
  private static void zero(Dense weights, int row, int column, int height, int width) {
    for (int r = row; r < Math.min(weights.rows(), row + height); r++) {
      for (int k = column; k < Math.min(weights.columns(), column + width); k++) {
        long index = (long) r * weights.columns() + k;
        weights.data().setAtIndex(ValueLayout.JAVA_FLOAT, index, 0);
      }
    }
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
