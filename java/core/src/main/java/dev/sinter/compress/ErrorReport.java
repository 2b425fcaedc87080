package dev.sinter.compress;

import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;

/**
 * What compression has done to a weight matrix, over all its elements w and their decoded w', in
 * double arithmetic.
 *
 * @param sqnrDb signal to quantization noise ratio, {@code 10 log10(sum w^2 / sum (w - w')^2)} in
 *     decibels; positive infinity for an exact copy, negative infinity if w is 0 and w' is not
 * @param cosine {@code sum w w' / sqrt(sum w^2 sum w'^2)}, in [-1, 1]; 1 if both are all zeros, 0
 *     if only one of them is
 * @param maxError the largest {@code |w - w'|}
 */
public record ErrorReport(double sqnrDb, double cosine, double maxError) {
  /**
   * Compares element by element. A NaN in either makes all three NaN.
   *
   * @throws IllegalArgumentException if the shapes differ
   */
  public static ErrorReport of(Dense original, CompressedTensor compressed) {
    int rows = original.rows();
    int columns = original.columns();
    if (compressed.rows() != rows || compressed.columns() != columns) {
      throw new IllegalArgumentException(
          compressed.name()
              + ": compressed is "
              + compressed.rows()
              + "x"
              + compressed.columns()
              + ", original "
              + original.name()
              + " is "
              + rows
              + "x"
              + columns);
    }
    float[] before = new float[columns];
    float[] after = new float[columns];
    double signal = 0;
    double decoded = 0;
    double product = 0;
    double noise = 0;
    double max = 0;
    for (int r = 0; r < rows; r++) {
      original.decodeRow(r, before);
      compressed.decodeRow(r, after);
      for (int k = 0; k < columns; k++) {
        double w = before[k];
        double v = after[k];
        double error = w - v;
        signal += w * w;
        decoded += v * v;
        product += w * v;
        noise += error * error;
        max = Math.max(max, Math.abs(error));
      }
    }
    return new ErrorReport(
        noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise),
        cosine(product, signal, decoded),
        max);
  }

  private static double cosine(double product, double signal, double decoded) {
    if (signal == 0 || decoded == 0) {
      return signal == decoded ? 1 : 0;
    }
    return Math.clamp(product / (Math.sqrt(signal) * Math.sqrt(decoded)), -1, 1);
  }
}
