package dev.sinter.compress;

import dev.sinter.tensor.Dense;

/** Reads weights that must be finite, since NaN has no code and no magnitude. */
final class FiniteWeights {
  private FiniteWeights() {}

  /**
   * Reads a row.
   *
   * @throws IllegalArgumentException if a weight is NaN or infinite; names it
   */
  static void readRow(Dense weights, int r, float[] row) {
    weights.decodeRow(r, row);
    for (int k = 0; k < row.length; k++) {
      if (!Float.isFinite(row[k])) {
        throw new IllegalArgumentException(
            weights.name()
                + ": the weight at row "
                + r
                + ", column "
                + k
                + " is "
                + row[k]
                + ", only finite weights can be compressed");
      }
    }
  }
}
