package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads how a model's makers want tokens chosen: {@code generation_config.json}, if it says {@code
 * do_sample}, with transformers' defaults for what it does not say.
 */
final class SamplingReader {
  private static final int TOP_K = 50;

  private SamplingReader() {}

  /**
   * @return {@link Sampling#usual} if the file is not there or asks for no sampling
   * @throws dev.sinter.checkpoint.CheckpointException if it is malformed or a value out of range
   */
  static Sampling read(Path folder) {
    Path file = folder.resolve("generation_config.json");
    if (!Files.exists(file)) {
      return Sampling.usual(0);
    }
    Settings json = Settings.of(file);
    if (!json.flag("do_sample", false)) {
      return Sampling.usual(0);
    }
    try {
      return new Sampling(
          json.number("temperature", 1),
          Math.toIntExact(Math.round(json.number("top_k", TOP_K))),
          json.number("top_p", 1),
          json.number("min_p", 0),
          json.number("repetition_penalty", 1),
          0);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw fail(file, e.getMessage());
    }
  }
}
