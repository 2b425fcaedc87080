package dev.sinter.models;

/**
 * What an encoder's tensors do not say themselves.
 *
 * @param heads attention heads
 * @param layerNormEps epsilon of the layer norms
 * @param maxTokens most tokens of a sentence, special ones included; the tensors may allow fewer
 * @param pooling how a sentence's hidden states become its vector
 * @param poolingAssumed whether that is a guess, since no file says so
 * @param normalize whether vectors are scaled to length 1
 */
public record EncoderSettings(
    int heads,
    float layerNormEps,
    int maxTokens,
    Pooling pooling,
    boolean poolingAssumed,
    boolean normalize) {
  /** The same with a pooling that the user has chosen. */
  EncoderSettings withPooling(Pooling chosen) {
    return new EncoderSettings(heads, layerNormEps, maxTokens, chosen, false, normalize);
  }

  /** What becomes of the hidden states, in words. */
  String describePooling() {
    return (pooling == Pooling.MEAN ? "mean of all tokens" : "first token")
        + (poolingAssumed ? " (assumed: no file of the model says)" : "")
        + (normalize ? ", scaled to length 1" : ", not scaled");
  }
}
