package dev.sinter.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** How the weights of a layer are stored together with how its activations are. */
public enum Scheme {
  /** 32-bit float weights and activations. */
  F32("f32", ActivationScheme.FLOAT),
  /** bfloat16 weights and activations, f32 sums. */
  BF16("bf16", ActivationScheme.BF16),
  /** int8 weights, symmetric per channel; 8-bit activations, quantized per token as they come. */
  W8A8("w8a8", ActivationScheme.U8_PER_TOKEN);

  private final String id;
  private final ActivationScheme activations;

  Scheme(String id, ActivationScheme activations) {
    this.id = id;
    this.activations = activations;
  }

  /** The name used on the command line, in JSON and in reports. */
  public String id() {
    return id;
  }

  public ActivationScheme activations() {
    return activations;
  }

  /**
   * @throws IllegalArgumentException if no scheme has this id; the message lists those that exist
   */
  public static Scheme of(String id) {
    for (Scheme s : values()) {
      if (s.id.equals(id)) {
        return s;
      }
    }
    throw new IllegalArgumentException(
        "unknown scheme '"
            + id
            + "', expected one of "
            + Arrays.stream(values()).map(Scheme::id).collect(Collectors.joining(", ")));
  }
}
