package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.compress.ErrorReport;
import dev.sinter.layer.LayerObserver;
import dev.sinter.layer.Linear;
import dev.sinter.runtime.LoadEvent;
import dev.sinter.tensor.Scheme;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Turns sentences into vectors, of length 1 unless the model's own files ({@code modules.json})
 * leave them as they are. Thread-safe, and callable from virtual threads: passes of several callers
 * run one after another on the workers of the {@link Sinter} it was loaded with.
 *
 * <p>Owns its weights and its tokenizer; close it before the Sinter.
 */
public final class EmbeddingModel implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(EmbeddingModel.class.getName());

  private final ModelFiles files;
  private final Scheme scheme;
  private final BertConfig config;
  private final BertEncoder encoder;
  private final Tokenizer tokenizer;

  private EmbeddingModel(
      ModelFiles files,
      Scheme scheme,
      BertConfig config,
      BertEncoder encoder,
      Tokenizer tokenizer) {
    this.files = files;
    this.scheme = scheme;
    this.config = config;
    this.encoder = encoder;
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a model, compresses it to a scheme and packs it for this machine.
   *
   * @param scheme {@code F32}, {@code BF16}: linear layers and word embeddings rounded to bfloat16,
   *     {@code W8A8}: linear layers with int8 weights per channel and activations per token, the
   *     word embeddings int8 per row, or {@code W4A8}, {@code TERNARY}, {@code BINARY}: the same
   *     but for int4, ternary or binary weights in groups, or {@code W8A16} and {@code W4A16}: the
   *     weights of {@code W8A8} and {@code W4A8} with f32 activations
   * @throws dev.sinter.checkpoint.CheckpointException if a file is malformed or a tensor missing
   */
  public static EmbeddingModel load(
      Sinter sinter, ModelFiles files, Scheme scheme, Progress progress) {
    return load(sinter, files, new LayerCompression(scheme, null), null, progress);
  }

  /**
   * The same with linear layers that are pruned before they are compressed to the scheme. The
   * planner decides for each whether it runs as a sparse one: {@link #explain}.
   *
   * @throws IllegalArgumentException for a scheme that has no zeros, {@code BINARY}
   */
  public static EmbeddingModel load(
      Sinter sinter, ModelFiles files, Scheme scheme, Pruning pruning, Progress progress) {
    return load(sinter, files, new LayerCompression(scheme, pruning), null, progress);
  }

  /**
   * The same with an observer of the hidden states behind {@code embeddings} and each {@code
   * encoder.layer.N}.
   */
  static EmbeddingModel load(
      Sinter sinter, ModelFiles files, Scheme scheme, LayerObserver observer, Progress progress) {
    return load(sinter, files, new LayerCompression(scheme, null), observer, progress);
  }

  private static EmbeddingModel load(
      Sinter sinter,
      ModelFiles files,
      LayerCompression compression,
      LayerObserver observer,
      Progress progress) {
    Scheme scheme = compression.scheme();
    LoadEvent event = LoadEvent.start();
    progress.step("reading " + files.name(), 0, -1);
    EncoderSettings settings = files.settings();
    if (settings.poolingAssumed()) {
      LOG.log(System.Logger.Level.INFO, "{0}: {1}", files.name(), settings.describePooling());
    }
    try (Checkpoint checkpoint = new BertTensors(files.openCheckpoint())) {
      BertConfig config =
          BertConfig.infer(checkpoint, settings.heads(), settings.layerNormEps())
              .withMaxTokens(settings.maxTokens());
      Tokenizer tokenizer = files.openTokenizer(config.maxPositions());
      try {
        Pooler pooler = new Pooler(settings.pooling(), settings.normalize());
        BertEncoder encoder =
            BertEncoder.load(sinter, checkpoint, config, compression, pooler, observer, progress);
        event.finish(files.name(), scheme.id(), encoder.bytes());
        LOG.log(
            System.Logger.Level.DEBUG,
            "loaded {0} as {1}: {2} bytes",
            files.name(),
            scheme.id(),
            encoder.bytes());
        return new EmbeddingModel(files, scheme, config, encoder, tokenizer);
      } catch (RuntimeException | Error e) {
        tokenizer.close();
        throw e;
      }
    }
  }

  public String name() {
    return files.name();
  }

  public Scheme scheme() {
    return scheme;
  }

  /** Length of the vectors. */
  public int dimension() {
    return config.hidden();
  }

  /** The longest sentence in tokens, special ones included; longer ones are cut. */
  public int maxTokens() {
    return config.maxPositions();
  }

  /** Bytes of all resident parameters: packed weights, embeddings, norms and biases. */
  public long bytes() {
    return encoder.bytes();
  }

  /**
   * The vector of each sentence, in order.
   *
   * @throws IllegalStateException after close
   */
  public float[][] embed(List<String> sentences) {
    return encoder.encode(sentences.stream().map(tokenizer::encode).toList());
  }

  /**
   * The same without the tokenizer.
   *
   * @param tokenIds 1 to {@link #maxTokens} ids each, special tokens included
   * @throws IllegalArgumentException for a sentence of another length or an unknown id
   */
  public float[][] embedIds(List<int[]> tokenIds) {
    return encoder.encode(tokenIds);
  }

  /** Token ids of a sentence, special tokens included, cut to {@link #maxTokens}. */
  public int[] tokenize(String sentence) {
    return tokenizer.encode(sentence);
  }

  /** Names of the linear layers as in the checkpoint. */
  public List<String> layers() {
    return List.copyOf(encoder.linears().keySet());
  }

  /**
   * Which kernels run a layer, and why no others; and how the model makes its vectors.
   *
   * @param layer one of {@link #layers}
   */
  public String explain(String layer) {
    Linear linear = encoder.linears().get(layer);
    if (linear == null) {
      throw new IllegalArgumentException(
          name() + " has no linear layer '" + layer + "', only " + String.join(", ", layers()));
    }
    List<String> together =
        encoder.linears().entrySet().stream()
            .filter(e -> e.getValue() == linear)
            .map(Map.Entry::getKey)
            .toList();
    String shared = together.size() == 1 ? "" : ", one matmul for " + String.join(", ", together);
    String vectors = "\nvectors: " + files.settings().describePooling();
    return layer + shared + "\n" + linear.explain() + vectors;
  }

  /** What pruning and quantization did to the weights of each layer; empty for full f32, bf16. */
  public Map<String, ErrorReport> quantizationErrors() {
    return Collections.unmodifiableMap(encoder.errors());
  }

  /** Waits for running passes, then frees everything. Idempotent. */
  @Override
  public void close() {
    encoder.close();
    tokenizer.close();
  }
}
