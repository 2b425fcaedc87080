package dev.sinter.backend;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.ColumnOrder;
import java.util.Objects;

/**
 * Conversion of f32 rows to what an activation scheme multiplies: 8-bit codes, or bfloat16.
 *
 * @param width elements of a row, K
 * @param signedCodes U8 codes and zero points 128 lower, as signed bytes; see {@link
 *     MatmulKernel#signedCodes}
 * @param sumStep values of a row that have a sum of their own beside that of the row, or of the
 *     scheme's groups, from the first on, the last ones fewer: a multiple of 32 that is smaller and
 *     divides groups, or 0 for no such sums; see {@link MatmulKernel#sumStep}
 * @param columnOrder value i of a row of codes, and of its groups, is {@code
 *     x[columnOrder.column(i)]}; null for the order of x; for schemes of codes only
 */
public record QuantizeSpec(
    int width, ActivationScheme scheme, boolean signedCodes, int sumStep, ColumnOrder columnOrder)
    implements OpSpec {
  /** In the order of x. */
  public QuantizeSpec(int width, ActivationScheme scheme, boolean signedCodes, int sumStep) {
    this(width, scheme, signedCodes, sumStep, null);
  }

  public QuantizeSpec(int width, ActivationScheme scheme, boolean signedCodes) {
    this(width, scheme, signedCodes, 0);
  }

  public QuantizeSpec(int width, ActivationScheme scheme) {
    this(width, scheme, false);
  }

  public QuantizeSpec {
    if (width < 1) {
      throw new IllegalArgumentException("width must be at least 1, got " + width);
    }
    Objects.requireNonNull(scheme, "scheme");
    if (scheme == ActivationScheme.FLOAT) {
      throw new IllegalArgumentException("FLOAT activations are not quantized");
    }
    if (signedCodes && !scheme.isAsymmetric()) {
      throw new IllegalArgumentException("signed codes of " + scheme);
    }
    int group = scheme.groupWidth(width);
    if (sumStep != 0
        && (sumStep < 0
            || sumStep % CodeFormat.GROUP_STEP != 0
            || sumStep >= group
            || (group < width && group % sumStep != 0))) {
      throw new IllegalArgumentException(
          "sumStep must be 0 or a multiple of "
              + CodeFormat.GROUP_STEP
              + " below the "
              + group
              + " values that share a scale, and divide them where they are a group, got "
              + sumStep);
    }
    if (columnOrder != null) {
      columnOrder.check(width);
      if (!scheme.isScaled()) {
        throw new IllegalArgumentException(scheme + " in another order of columns");
      }
    }
    if (sumStep != 0 && !scheme.isScaled()) {
      throw new IllegalArgumentException("sums of " + scheme);
    }
  }

  /** Scales of a row. */
  public int groups() {
    return scheme.groups(width);
  }

  /** Sums of a row by {@code sumStep}; 0 if there are none. */
  public int stepSums() {
    return sumStep == 0 ? 0 : Math.ceilDiv(width, sumStep);
  }

  @Override
  public String operation() {
    return "quantize";
  }

  @Override
  public String toString() {
    return "quantize rows of "
        + width
        + " to "
        + scheme
        + (signedCodes ? " as signed bytes" : "")
        + (sumStep == 0 ? "" : ", summed by " + sumStep)
        + (columnOrder == null ? "" : ", in " + columnOrder);
  }
}
