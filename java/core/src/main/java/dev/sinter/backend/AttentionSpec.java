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

  /**
   * What every kernel asks of a call before it touches memory.
   *
   * @throws IllegalArgumentException naming the argument that this spec does not allow
   */
  public void check(int stride, int start, int length, int head) {
    if (length < 1 || length > maxLength || head < 0 || head >= heads) {
      throw new IllegalArgumentException(
          "length "
              + length
              + " must be 1 to "
              + maxLength
              + ", head "
              + head
              + " 0 to "
              + (heads - 1));
    }
    if (start < 0 || stride < heads * headDim) {
      throw new IllegalArgumentException(
          "start "
              + start
              + " must be at least 0, stride "
              + stride
              + " at least "
              + heads * headDim);
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
