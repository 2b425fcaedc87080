package dev.sinter.testing;

import dev.sinter.backend.Activation;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;

/** How far the sums of an f32 matmul may be off, and what its epilogue makes of that. */
public final class SumBounds {
  /** The steepest slope of GELU, in both forms, and of SiLU. */
  private static final double SLOPE = 1.13;

  private final Epilogue epilogue;
  private final int columns;
  private final int rowsOfWeights;
  private final double[] exact;
  private final double[] bounds;

  /** Of {@code m} rows of activations. */
  public SumBounds(MatmulSpec spec, int m) {
    epilogue = spec.epilogue();
    columns = spec.n();
    rowsOfWeights = spec.weightRows();
    exact = new double[m * rowsOfWeights];
    bounds = new double[exact.length];
  }

  /**
   * @param weights row of the weights
   * @param sum exact, with the bias
   */
  public void set(int row, int weights, double sum, double bound) {
    exact[row * rowsOfWeights + weights] = sum;
    bounds[row * rowsOfWeights + weights] = bound;
  }

  /**
   * Of the results but for the residual, and for the rounding of a product with a gate.
   *
   * @param activationError what the activation's own is below, times max(1, |x|)
   */
  public double[] results(double activationError) {
    double[] results = new double[exact.length / rowsOfWeights * columns];
    for (int i = 0; i < results.length; i++) {
      int at = i / columns * rowsOfWeights + i % columns;
      double a = Math.abs(exact[at]); // of which no activation makes more
      double bound =
          epilogue.activation() == Activation.NONE
              ? bounds[at]
              : SLOPE * bounds[at] + activationError * Math.max(1, a);
      if (epilogue.gate()) {
        double b = Math.abs(exact[at + columns]);
        double other = bounds[at + columns];
        bound = bound * (b + other) + a * other;
      }
      results[i] = bound;
    }
    return results;
  }
}
