package dev.sinter.backend;

import java.util.Objects;

/**
 * Normalization of f32 rows, {@code y = (x - mean) / sqrt(variance + epsilon) * gamma + beta} with
 * the biased variance, and the quantization of y where the next layer wants codes.
 *
 * @param width elements of a row
 * @param codes what y becomes beside f32; null for nothing else
 */
public record NormSpec(Kind kind, int width, float epsilon, QuantizeSpec codes) implements OpSpec {
  /** Which mean is subtracted. */
  public enum Kind {
    /** That of the row (Ba et al., 2016). */
    LAYER("layer norm"),
    /** 0, so that the variance is a mean square (Zhang and Sennrich, 2019). */
    RMS("RMS norm");

    private final String text;

    Kind(String text) {
      this.text = text;
    }
  }

  public NormSpec {
    Objects.requireNonNull(kind, "kind");
    if (width < 1) {
      throw new IllegalArgumentException("width must be at least 1, got " + width);
    }
    if (!(epsilon >= 0 && epsilon < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon must be finite and not negative: " + epsilon);
    }
    if (codes != null && codes.width() != width) {
      throw new IllegalArgumentException("rows of " + width + " cannot be asked to " + codes);
    }
  }

  /** Layer normalization to f32. */
  public NormSpec(int width, float epsilon) {
    this(Kind.LAYER, width, epsilon, null);
  }

  /** The same without codes. */
  public NormSpec toFloats() {
    return new NormSpec(kind, width, epsilon, null);
  }

  /**
   * @throws IllegalArgumentException unless there is a factor and a summand for each column
   */
  public void check(float[] gamma, float[] beta) {
    if (gamma.length != width || beta.length != width) {
      throw new IllegalArgumentException(
          "gamma has " + gamma.length + " and beta " + beta.length + " values for " + this);
    }
  }

  @Override
  public String operation() {
    return "norm";
  }

  @Override
  public String toString() {
    String norm = kind.text + " of " + width + ", epsilon " + epsilon;
    return codes == null ? norm : norm + ", then " + codes;
  }
}
