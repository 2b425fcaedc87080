package dev.sinter.compress;

/** How the magnitudes of several weights make one. */
public enum Norm {
  /** The sum of magnitudes. */
  L1,
  /** The root of the sum of squares. */
  L2;

  /** What to add up for a weight; finite for every float. */
  double term(float weight) {
    return this == L1 ? Math.abs(weight) : (double) weight * weight;
  }

  /** The mean magnitude of {@code count} weights from the sum of their terms; fits a float. */
  float mean(double sum, long count) {
    return (float) (this == L1 ? sum / count : Math.sqrt(sum / count));
  }
}
