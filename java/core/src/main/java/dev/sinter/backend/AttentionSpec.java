package dev.sinter.backend;

/**
 * Bidirectional softmax attention over a packed batch of sequences, f32: for each sequence and
 * head, {@code softmax(Q K^T / sqrt(headDim)) V} (Vaswani et al., 2017). A sequence sees its own
 * rows only, which takes the place of a padding mask.
 *
 * @param maxLength the longest sequence
 */
public record AttentionSpec(int heads, int headDim, int maxLength) implements OpSpec {
  public AttentionSpec {
    if (heads < 1 || headDim < 1 || maxLength < 1) {
      throw new IllegalArgumentException(
          "heads, headDim and maxLength must be at least 1, got "
              + heads
              + ", "
              + headDim
              + ", "
              + maxLength);
    }
  }

  @Override
  public String operation() {
    return "attention";
  }

  @Override
  public String toString() {
    return "attention " + heads + " heads of " + headDim + ", up to " + maxLength + " tokens";
  }
}
