package dev.sinter.backend;

import dev.sinter.tensor.ActivationScheme;
import java.util.Objects;

/**
 * Conversion of f32 rows to what an activation scheme multiplies: 8-bit codes, or bfloat16.
 *
 * @param width elements of a row, K
 * @param signedCodes U8 codes and zero points 128 lower, as signed bytes; see {@link
 *     MatmulKernel#signedCodes}
 */
public record QuantizeSpec(int width, ActivationScheme scheme, boolean signedCodes)
    implements OpSpec {
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
    if (signedCodes && scheme != ActivationScheme.U8_PER_TOKEN) {
      throw new IllegalArgumentException("signed codes of " + scheme);
    }
  }

  @Override
  public String operation() {
    return "quantize";
  }

  @Override
  public String toString() {
    return "quantize rows of " + width + " to " + scheme + (signedCodes ? " as signed bytes" : "");
  }
}
