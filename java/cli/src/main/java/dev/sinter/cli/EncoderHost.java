package dev.sinter.cli;

import dev.sinter.models.Pooling;
import dev.sinter.models.Progress;
import dev.sinter.models.Pruning;
import dev.sinter.tensor.Scheme;

/** An opened runtime that loads encoders; close them before it. */
interface EncoderHost extends AutoCloseable {
  /** Number of worker threads. */
  int threads();

  /**
   * @param model a name of the catalog or a path
   * @param pooling how it makes vectors, or null for what its files say
   */
  default Encoder load(String model, Pooling pooling, Scheme scheme, Progress progress) {
    return load(model, pooling, scheme, null, progress);
  }

  /**
   * The same with pruned linear layers.
   *
   * @param pruning null for none
   */
  Encoder load(String model, Pooling pooling, Scheme scheme, Pruning pruning, Progress progress);

  @Override
  void close();

  /** Opens a host as the options of a command say. */
  @FunctionalInterface
  interface Opener {
    EncoderHost open(EngineOptions options);
  }
}
