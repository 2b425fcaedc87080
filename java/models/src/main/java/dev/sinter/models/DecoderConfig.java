package dev.sinter.models;

import dev.sinter.backend.Activation;
import java.util.List;

/**
 * What a decoder of the Llama family computes: Llama, Mistral, Qwen2, Qwen3, Gemma 2.
 *
 * @param family {@code model_type} in config.json
 * @param hidden width of the hidden states
 * @param maxPositions longest text in tokens that the model was made for
 */
record DecoderConfig(
    String family,
    int layers,
    int hidden,
    int maxPositions,
    Attention attention,
    Norms norms,
    Mlp mlp,
    Vocabulary vocabulary,
    Rotary rotary) {

  /**
   * Grouped-query attention (Ainslie et al., 2023).
   *
   * @param kvHeads heads of keys and values, a divisor of {@code heads}
   * @param headDim width of a head, even
   * @param scale of the scores
   * @param softCap scores become {@code cap tanh(score / cap)}; 0 for none
   * @param inputBias whether queries, keys and values have one
   * @param headNorms whether each head of queries and keys is RMS-normalized
   * @param windows for each layer how many tokens a token sees, itself included; 0 for all
   */
  record Attention(
      int heads,
      int kvHeads,
      int headDim,
      double scale,
      double softCap,
      boolean inputBias,
      boolean outputBias,
      boolean headNorms,
      List<Integer> windows) {
    int qkvWidth() {
      return (heads + 2 * kvHeads) * headDim;
    }
  }

  /**
   * RMS norms.
   *
   * @param plusOne whether a weight w means a factor of 1 + w
   * @param behindBlocks whether there is one behind attention and one behind the MLP, too, before
   *     their results are added
   */
  record Norms(float epsilon, boolean plusOne, boolean behindBlocks) {}

  /**
   * A gated MLP (Shazeer, 2020).
   *
   * @param width inside
   */
  record Mlp(int width, Activation activation, boolean bias) {}

  /**
   * Embeddings and head.
   *
   * @param size number of token ids
   * @param tied whether the head's weights are the embeddings
   * @param scaled whether embeddings are multiplied by the square root of the hidden size, rounded
   *     to the type in which the file has them
   * @param softCap of the logits; 0 for none
   * @param bos the token at the start of a text; -1 if there is none
   * @param ends tokens that end a text
   */
  record Vocabulary(
      int size, boolean tied, boolean scaled, double softCap, int bos, List<Integer> ends) {}

  /** Rotary position embeddings of whole heads. */
  record Rotary(double theta, RopeScaling scaling) {}
}
