package dev.sinter.models;

import dev.sinter.tensor.Scheme;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The schemes of a decoder's groups of layers, each with or without zeros.
 *
 * @param attention of the projections around attention
 * @param mlp of the gated MLPs
 * @param head of the matrix that makes logits; null to keep its values as the file has them
 * @param embeddings {@code F32}, {@code BF16}, {@code W8A8} or {@code W8A16} (int8 per row); null
 *     to keep them as the file has them
 */
public record DecoderScheme(
    LayerCompression attention, LayerCompression mlp, LayerCompression head, Scheme embeddings) {
  /**
   * @throws IllegalArgumentException if the embeddings are to be something else than said
   */
  public DecoderScheme {
    Objects.requireNonNull(attention, "attention");
    Objects.requireNonNull(mlp, "mlp");
    if (embeddings != null) {
      switch (embeddings.kind()) {
        case F32, BF16, W8A8, W8A16 -> {}
        default ->
            throw new IllegalArgumentException(
                "embeddings are kept in f32, bf16 or int8 (w8a8, w8a16), not in " + embeddings);
      }
    }
  }

  /** Without zeros; the last two may be null. */
  public DecoderScheme(Scheme attention, Scheme mlp, Scheme head, Scheme embeddings) {
    this(
        LayerCompression.of(attention),
        LayerCompression.of(mlp),
        head == null ? null : LayerCompression.of(head),
        embeddings);
  }

  /** One scheme for all layers, head and embeddings as in the file. */
  public static DecoderScheme of(LayerCompression layers) {
    return new DecoderScheme(layers, layers, null, null);
  }

  /** The same without zeros. */
  public static DecoderScheme of(Scheme scheme) {
    return of(LayerCompression.of(scheme));
  }

  /** Whether any weights are pruned. */
  public boolean isPruned() {
    return Stream.of(attention, mlp, head).anyMatch(c -> c != null && c.pruning() != null);
  }

  /** As {@code w4a8}, or {@code w4a8, MLP w4a8+16x8@0.5, head w8a8}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(attention.id());
    if (!mlp.equals(attention)) {
      text.append(", MLP ").append(mlp.id());
    }
    if (head != null) {
      text.append(", head ").append(head.id());
    }
    if (embeddings != null) {
      text.append(", embeddings ").append(embeddings.id());
    }
    return text.toString();
  }
}
