package dev.sinter.compress;

import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;

/**
 * Takes the average of a layer's quantization error off its bias (Nagel et al., Data-Free
 * Quantization through Weight Equalization and Bias Correction, 2019, section 4.2). Needs no data
 * where the mean of the input is known, as behind a layer norm. Thread-safe, no state.
 */
public final class BiasCorrection {
  private BiasCorrection() {}

  /**
   * The corrected bias {@code b[n] + sum_k (W[n][k] - W'[n][k]) mean[k]}, summed in double.
   *
   * @param original W
   * @param compressed W', of the same shape
   * @param bias N values
   * @param inputMean K values: the expectation of the layer's input
   * @throws IllegalArgumentException if shapes or lengths differ
   */
  public static float[] correct(
      Dense original, CompressedTensor compressed, float[] bias, float[] inputMean) {
    int rows = original.rows();
    int columns = original.columns();
    if (compressed.rows() != rows
        || compressed.columns() != columns
        || bias.length != rows
        || inputMean.length != columns) {
      throw new IllegalArgumentException(
          original.name()
              + ": "
              + rows
              + "x"
              + columns
              + " weights, compressed "
              + compressed.rows()
              + "x"
              + compressed.columns()
              + ", bias of "
              + bias.length
              + ", input mean of "
              + inputMean.length);
    }
    float[] before = new float[columns];
    float[] after = new float[columns];
    float[] corrected = new float[rows];
    for (int n = 0; n < rows; n++) {
      original.decodeRow(n, before);
      compressed.decodeRow(n, after);
      double sum = bias[n];
      for (int k = 0; k < columns; k++) {
        sum += ((double) before[k] - after[k]) * inputMean[k];
      }
      corrected[n] = (float) sum;
    }
    return corrected;
  }
}
