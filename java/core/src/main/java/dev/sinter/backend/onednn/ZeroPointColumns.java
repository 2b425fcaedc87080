package dev.sinter.backend.onednn;

import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Extra columns of an int8 weight matrix that take the activations' zero point off inside the
 * matmul.
 *
 * <p>With unsigned codes {@code x = (q - z) s}, the product needs {@code sum_k q w - z sum_k w}.
 * oneDNN has no fast code for a zero point per row. But a row of codes is padded with its own z, so
 * if the padding columns of W hold numbers that add up to {@code -sum_k w}, the plain product is
 * the whole answer, exact in integers, at the cost of more columns, one for each 127 of the largest
 * row sum: 1 to 17 percent of K in all-MiniLM-L6-v2, at worst as many again as K.
 */
final class ZeroPointColumns {
  /** K up to which {@code 2 * K * 255 * 128}, the largest possible sum, fits an int32. */
  static final int MAX_K = 32_896;

  private static final int LARGEST = 127;

  // So that layers of one shape share primitives although their sums differ.
  private static final int STEP = 16;

  private ZeroPointColumns() {}

  /** How many columns these weights need, a multiple of 16. */
  static int count(Quantized weights) {
    int largest = 0;
    for (int n = 0; n < weights.rows(); n++) {
      largest = Math.max(largest, Math.abs(sum(weights, n)));
    }
    int columns = (largest + LARGEST - 1) / LARGEST;
    return (columns + STEP - 1) / STEP * STEP;
  }

  /**
   * Copies rows {@code from} to {@code to} of the codes, each followed by its {@code count} extra
   * columns.
   */
  static void copyRows(Quantized weights, int from, int to, int count, MemorySegment out) {
    int k = weights.columns();
    for (int n = from; n < to; n++) {
      long at = (long) (n - from) * (k + count);
      MemorySegment.copy(weights.codes(), (long) n * k, out, at, k);
      int rest = -sum(weights, n);
      for (int c = 0; c < count; c++) {
        int part = Math.clamp(rest, -LARGEST, LARGEST);
        out.set(ValueLayout.JAVA_BYTE, at + k + c, (byte) part);
        rest -= part;
      }
      if (rest != 0) {
        throw new IllegalArgumentException(
            weights.name() + ": row " + n + " does not fit " + count + " zero-point columns");
      }
    }
  }

  private static int sum(Quantized weights, int row) {
    long base = (long) row * weights.columns();
    int sum = 0;
    for (int k = 0; k < weights.columns(); k++) {
      sum += weights.codes().get(ValueLayout.JAVA_BYTE, base + k);
    }
    return sum;
  }
}
