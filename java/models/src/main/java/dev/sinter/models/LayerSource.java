package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.layer.Linear;
import dev.sinter.layout.PackedModel;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The weights of a decoder, layer by layer. A checkpoint keeps what it has read until it is closed,
 * so behind a layer whose matrices were read it is opened anew; one that only had norms and biases
 * read serves the next layer, too.
 */
final class LayerSource implements AutoCloseable {
  private final Sinter sinter;
  private final Supplier<Checkpoint> checkpoints;
  private final PackedModel packed;
  private final Map<String, Linear> linears;
  private Checkpoint open; // null before the first layer
  private LinearLoader loader;

  /** See {@link LinearLoader}. */
  LayerSource(
      Sinter sinter,
      Supplier<Checkpoint> checkpoints,
      PackedModel packed,
      Map<String, Linear> linears) {
    this.sinter = sinter;
    this.checkpoints = checkpoints;
    this.packed = packed;
    this.linears = linears;
  }

  /** For the next layer; what came of the one before must not be used any more. */
  LinearLoader loader() {
    if (open != null && !loader.tensors().hasReadMatrices()) {
      return loader;
    }
    close();
    open = checkpoints.get();
    loader = new LinearLoader(sinter, DecoderTensors.of(open), packed, linears);
    return loader;
  }

  @Override
  public void close() {
    if (open != null) {
      open.close();
    }
  }
}
