package dev.sinter.cli;

import dev.sinter.Sinter;
import dev.sinter.backend.KvType;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.DecoderScheme;
import dev.sinter.models.LayerCompression;
import dev.sinter.models.Progress;
import dev.sinter.tensor.Scheme;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The options that say which decoder a command runs and how. */
final class DecoderModelOptions {
  private static final long MIB = 1L << 20;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      required = true,
      description = "A Hugging Face folder: Llama, Mistral, Qwen2, Qwen3 or Gemma 2.")
  private Path folder;

  @Option(
      names = "--scheme",
      paramLabel = "SCHEME",
      defaultValue = "f32",
      converter = LayerCompressionConverter.class,
      description =
          "Of the linear layers, as for the other commands: f32, bf16, w8a8, w4a8, w8a16, w4a16,"
              + " ternary, binary; w4a8:32 for groups of 32. With +16x4@0.5 behind it, half of the"
              + " blocks of 16 rows and 4 columns become zero, with +unstructured@0.7 as much of the"
              + " weights, with +2:4 two of four: those of least magnitude, in one shot, which costs"
              + " accuracy. Default: ${DEFAULT-VALUE}.")
  private LayerCompression scheme;

  @Option(
      names = "--mlp",
      paramLabel = "SCHEME",
      converter = LayerCompressionConverter.class,
      description = "Of the MLPs. Default: as --scheme.")
  private LayerCompression mlp;

  @Option(
      names = "--head",
      paramLabel = "SCHEME",
      converter = LayerCompressionConverter.class,
      description = "Of the matrix that makes logits. Default: its values as the file has them.")
  private LayerCompression head;

  @Option(
      names = "--embeddings",
      paramLabel = "SCHEME",
      converter = SchemeConverter.class,
      description = "f32, bf16 or w8a8 (int8 per row). Default: as the file has them.")
  private Scheme embeddings;

  @Option(
      names = "--kv",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "Keys and values: f32, bf16 or int8. Default: ${DEFAULT-VALUE}.")
  private KvType cache;

  @Option(
      names = "--kv-memory",
      paramLabel = "MIB",
      description = "Most memory for keys and values. Default: 4096.")
  private Long cacheMib;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Longest text in tokens. Default: what the model was made for, at most "
              + DecoderOptions.DEFAULT_CONTEXT
              + ".")
  private int context;

  Path folder() {
    return folder;
  }

  /** Of the layers, as {@code w8a8+16x4@0.5} or {@code w8a8, MLP w8a8+16x4@0.5}. */
  String scheme() {
    return new DecoderScheme(scheme, mlp(), null, null).toString();
  }

  private LayerCompression mlp() {
    return mlp == null ? scheme : mlp;
  }

  /**
   * @param engine tells of wrong values as wrong usage
   */
  DecoderModel load(Sinter sinter, EngineOptions engine, Progress progress) {
    try {
      DecoderOptions options =
          DecoderOptions.of(scheme.scheme())
              .withScheme(new DecoderScheme(scheme, mlp(), head, embeddings))
              .withCache(cache)
              .withContext(context);
      if (cacheMib != null) {
        options = options.withCacheBytes(Math.multiplyExact(cacheMib, MIB));
      }
      return DecoderModel.load(sinter, folder, options, progress);
    } catch (IllegalArgumentException e) {
      throw engine.wrongUsage(e);
    }
  }
}
