package dev.sinter.backend;

/**
 * Layer normalization of rows (Ba et al., 2016), f32: {@code y = (x - mean) / sqrt(var + epsilon) *
 * gamma + beta} with the biased variance.
 *
 * @param width elements of a row
 */
public record NormSpec(int width, float epsilon) implements OpSpec {
  public NormSpec {
    if (width < 1) {
      throw new IllegalArgumentException("width must be at least 1, got " + width);
    }
    if (!(epsilon >= 0 && epsilon < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon must be finite and not negative: " + epsilon);
    }
  }

  @Override
  public String operation() {
    return "norm";
  }

  @Override
  public String toString() {
    return "layer norm of " + width + ", epsilon " + epsilon;
  }
}
