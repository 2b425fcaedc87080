package dev.sinter.cli;

import dev.sinter.models.Pooling;
import dev.sinter.models.Progress;
import dev.sinter.tensor.Scheme;
import picocli.CommandLine.Option;

/** The options that say which model a command runs and how. */
final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "MODEL",
      required = true,
      description =
          "A name of the catalog (minilm, bge-small), a Hugging Face folder, or a jar with an ONNX"
              + " file and a tokenizer.")
  private String model;

  @Option(
      names = "--scheme",
      paramLabel = "SCHEME",
      defaultValue = "f32",
      converter = SchemeConverter.class,
      description =
          "f32, bf16, w8a8 (int8), or in groups of 128 w4a8 (int4 weights), ternary or binary;"
              + " w4a8:32 for groups of 32, or any other multiple of it; w8a16 and w4a16: the weights"
              + " of w8a8 and w4a8 with f32 activations. Default: ${DEFAULT-VALUE}.")
  private Scheme scheme;

  @Option(
      names = "--pooling",
      paramLabel = "HOW",
      description =
          "Make vectors of the mean of all tokens (mean) or of the first token (cls). Default: what"
              + " the model's files say, or mean.")
  private Pooling pooling;

  Scheme scheme() {
    return scheme;
  }

  Encoder load(EncoderHost host, Progress progress) {
    return host.load(model, pooling, scheme, progress);
  }
}
