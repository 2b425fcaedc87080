package dev.sinter.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.layer.Linear;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a layer's results must be: some outputs of some rows, by the float64 reference, with a bound
 * on what f32 arithmetic may be off. A kernel that is not within it is not timed. Not thread-safe.
 */
final class Agreement implements AutoCloseable {
  static final int MOST_COLUMNS = 16;
  static final int MOST_ROWS = 4;

  // Scales, zero point, bias and the final rounding of a result of codes.
  private static final int ROUNDINGS_OF_SCALING = 8;
  // Where groups have scales of their own, their sums are added up in f32.
  private static final int SMALLEST_GROUP = 16;

  private final Arena arena = Arena.ofShared();
  private final Sinter sinter =
      Sinter.open(new SinterOptions(1, "reference", null)); // one thread: it is a few dot products
  private final Scheme scheme;
  private final int outputs;
  private final int[] columns;
  private final CompressedTensor sample;
  private final Linear reference;
  private final MemorySegment input;
  private final MemorySegment expected;

  Agreement(Scheme scheme, Dense weights) {
    this.scheme = scheme;
    outputs = weights.rows();
    columns = spread(weights.rows(), MOST_COLUMNS);
    sample = Compression.of(scheme, Data.rows(weights, columns, arena), arena);
    input = Data.floats(1, weights.columns(), arena);
    expected = Data.floats(1, columns.length, arena);
    reference = Linear.of(sinter, sample, (float[]) null, scheme.activations());
  }

  /** Up to {@code most} of 0 to {@code count}, the first and the last among them. */
  static int[] spread(int count, int most) {
    int[] indices = new int[Math.min(count, most)];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = indices.length == 1 ? 0 : (int) ((long) i * (count - 1) / (indices.length - 1));
    }
    return indices;
  }

  /**
   * @param x f32 [m, K]
   * @param y f32 [m, N], what the kernel made of it
   * @return null if they agree, else the first that does not
   */
  String disagreement(MemorySegment x, int m, MemorySegment y) {
    int k = sample.columns();
    float[] row = new float[k];
    float[] weights = new float[k];
    for (int r : spread(m, MOST_ROWS)) {
      MemorySegment.copy(x, 4L * r * k, input, 0, 4L * k);
      MemorySegment.copy(input, JAVA_FLOAT, 0, row, 0, k);
      reference.forward(input, 1, expected);
      for (int i = 0; i < columns.length; i++) {
        sample.decodeRow(i, weights);
        double want = expected.getAtIndex(JAVA_FLOAT, i);
        double got = y.getAtIndex(JAVA_FLOAT, (long) r * outputs + columns[i]);
        double magnitude = magnitude(row, weights);
        double bound = Tolerance.dot(roundings(), magnitude) + 2 * Tolerance.rounding(want);
        if (magnitude == 0) {
          bound = 0; // all of its weights are zero, and exact
        } else if (!(bound < magnitude / 10)) {
          throw new IllegalStateException("a bound of " + bound + " proves nothing");
        }
        if (!(Math.abs(got - want) <= bound)) {
          return "row "
              + r
              + ", output "
              + columns[i]
              + ": "
              + got
              + ", expected "
              + want
              + " +- "
              + bound;
        }
      }
    }
    return null;
  }

  private boolean codes() {
    return scheme.activations() == ActivationScheme.U8_PER_TOKEN
        || scheme.activations() == ActivationScheme.S8_PER_TOKEN;
  }

  private int roundings() {
    if (!codes()) {
      return sample.columns() + ROUNDINGS_OF_SCALING;
    }
    // Integer sums are exact; how many of them are scaled and added depends on the weights.
    boolean one = sample instanceof Quantized q && q.scales().length <= q.rows();
    return ROUNDINGS_OF_SCALING + (one ? 0 : sample.columns() / SMALLEST_GROUP);
  }

  /**
   * Sum of the magnitudes of the terms. Codes count as they are stored: a term is at most the range
   * of the row times the weight, and so is the zero point's share in it.
   */
  private double magnitude(float[] row, float[] weights) {
    double products = 0;
    double sum = 0;
    double largest = 0;
    for (int i = 0; i < row.length; i++) {
      products += Math.abs((double) row[i] * weights[i]);
      sum += Math.abs(weights[i]);
      largest = Math.max(largest, Math.abs(row[i]));
    }
    double range = 2 * largest;
    return codes() ? 2 * range * sum : products;
  }

  @Override
  public void close() {
    reference.close();
    sinter.close();
    arena.close();
  }
}
