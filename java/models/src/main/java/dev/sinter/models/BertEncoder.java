package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.compress.ErrorReport;
import dev.sinter.compress.Quantizer;
import dev.sinter.layer.Attention;
import dev.sinter.layer.ForwardPlan;
import dev.sinter.layer.LayerNorm;
import dev.sinter.layer.LayerObserver;
import dev.sinter.layer.Linear;
import dev.sinter.layer.SequenceBatch;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.RawTensor;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A BERT encoder (Devlin et al., 2019) with pooling on top. Sentences of a pass lie one after
 * another without padding; a pass is one parallel region. Thread-safe: passes of several callers
 * run one after another, first come, first served.
 */
final class BertEncoder implements AutoCloseable {
  /** Tokens of a pass: enough for full speed, few enough that activations stay in the cache. */
  static final int MAX_ROWS = 1024;

  private static final long ALIGNMENT = 64;

  private final Sinter sinter;
  private final BertConfig config;
  private final Pooler pooler;
  private final Arena arena = Arena.ofShared();
  private final ReentrantLock turn = new ReentrantLock(true);
  private final List<BertLayer> layers = new ArrayList<>();
  private final Map<String, Linear> linears = new LinkedHashMap<>();
  private final Map<String, ErrorReport> errors = new LinkedHashMap<>();
  private EmbeddingTable embeddings;
  private LayerNorm lastNorm; // of the last layer: the others are in the layers behind them
  private Attention attention;
  private ForwardPlan plan;
  private boolean closed;

  // The current pass.
  private final SequenceBatch batch = new SequenceBatch(MAX_ROWS);
  private final int[] tokens = new int[MAX_ROWS];
  private final int[] positions = new int[MAX_ROWS];
  private float[][] results;
  private int firstResult;

  private BertEncoder(Sinter sinter, BertConfig config, Pooler pooler) {
    this.sinter = sinter;
    this.config = config;
    this.pooler = pooler;
  }

  /**
   * Reads, compresses and packs all weights; the checkpoint can be closed afterwards.
   *
   * @param observer sees the hidden states behind the embeddings and each layer; may be null
   */
  static BertEncoder load(
      Sinter sinter,
      Checkpoint checkpoint,
      BertConfig config,
      LayerCompression compression,
      Pooler pooler,
      LayerObserver observer,
      Progress progress) {
    if (config.maxPositions() > MAX_ROWS) {
      throw new IllegalArgumentException(
          "max_position_embeddings is " + config.maxPositions() + ", at most " + MAX_ROWS);
    }
    BertEncoder encoder = new BertEncoder(sinter, config, pooler);
    try {
      encoder.loadEmbeddings(checkpoint, compression.scheme());
      for (int i = 0; i < config.layers(); i++) {
        progress.step("loading layers", i, config.layers());
        BertLayer layer = BertLayer.load(sinter, checkpoint, i, config, compression);
        encoder.layers.add(layer);
        encoder.linears.putAll(layer.linears());
        encoder.errors.putAll(layer.errors());
      }
      encoder.lastNorm =
          BertLayer.norm(sinter, checkpoint, BertLayer.normBefore(config.layers()), config, null);
      encoder.attention =
          Attention.of(
              sinter,
              new AttentionSpec(
                  config.heads(), config.hidden() / config.heads(), config.maxPositions()));
      encoder.makePlan(observer);
      progress.step("loading layers", config.layers(), config.layers());
      return encoder;
    } catch (RuntimeException | Error e) {
      encoder.close();
      throw e;
    }
  }

  private void loadEmbeddings(Checkpoint checkpoint, Scheme scheme) {
    Dense words = Dense.of(checkpoint.tensor("embeddings.word_embeddings.weight"));
    float[] positionValues =
        matrix(checkpoint, "embeddings.position_embeddings.weight", config.maxPositions());
    float[] types = matrix(checkpoint, "embeddings.token_type_embeddings.weight", 1);
    try (Arena scratch = Arena.ofConfined()) {
      CompressedTensor table =
          switch (scheme.kind()) {
            case F32 -> words;
            case BF16 -> words.toBf16(scratch);
            default -> Quantizer.roundToNearest(words, 8, Granularity.CHANNEL, scratch);
          };
      embeddings = new EmbeddingTable(table, positionValues, types, arena);
    }
  }

  /** The first {@code rows} rows of a matrix that is as wide as the hidden states. */
  private float[] matrix(Checkpoint checkpoint, String name, int rows) {
    RawTensor tensor = checkpoint.tensor(name);
    if (tensor.rank() != 2 || tensor.dim(0) < rows || tensor.dim(1) != config.hidden()) {
      throw new CheckpointException(
          checkpoint.file(), name, -1, tensor + " is not [" + rows + ", " + config.hidden() + "]");
    }
    float[] values = new float[rows * config.hidden()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.dtype().readFloat(tensor.data(), i);
    }
    return values;
  }

  private void makePlan(LayerObserver observer) {
    int hidden = config.hidden();
    MemorySegment x = floats(hidden);
    long codes = layers.stream().mapToLong(l -> l.codesBytes(MAX_ROWS)).max().orElse(0);
    BertLayer.Buffers buffers =
        new BertLayer.Buffers(
            x,
            floats(3 * hidden),
            floats(hidden),
            floats(config.intermediate()),
            SegmentAllocator.prefixAllocator(arena.allocate(codes, ALIGNMENT)),
            batch);
    PlanBuilder builder = new PlanBuilder(batch::rows);
    builder.step(
        "embeddings",
        (from, to) -> {
          for (int row = from; row < to; row++) {
            embeddings.write(tokens[row], positions[row], x, row);
          }
        });
    for (int i = 0; i < layers.size(); i++) {
      String name = "layer " + i + " ";
      ActivationBuffer input = layers.get(i).planInput(builder, name, buffers);
      observe(builder, observer, stateBehind(i), x);
      layers.get(i).plan(builder, name, input, buffers, attention);
    }
    builder.step("last norm", lastNorm.step(x, x, null));
    observe(builder, observer, stateBehind(layers.size()), x);
    builder.operation(
        operation(
            "pooling",
            sequence ->
                results[firstResult + sequence] =
                    pooler.pool(x, hidden, batch.start(sequence), batch.length(sequence))));
    plan = builder.build();
  }

  /** What an observer calls the hidden states behind the embeddings and {@code count} layers. */
  private static String stateBehind(int count) {
    return count == 0 ? "embeddings" : "encoder.layer." + (count - 1);
  }

  private void observe(PlanBuilder builder, LayerObserver observer, String layer, MemorySegment x) {
    if (observer != null) {
      builder.operation(
          operation(
              "observer",
              sequence -> {
                if (sequence == 0) {
                  observer.observe(layer, x, batch.rows(), config.hidden());
                }
              }));
    }
  }

  private interface SequenceTask {
    void run(int sequence);
  }

  /** An operation with one tile a sequence. */
  private ForwardPlan.Operation operation(String name, SequenceTask task) {
    return new ForwardPlan.Operation() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public int tiles() {
        return batch.count();
      }

      @Override
      public void run(int worker, int tile) {
        task.run(tile);
      }
    };
  }

  private MemorySegment floats(int width) {
    return LargeMemory.allocate(arena, 4L * MAX_ROWS * width);
  }

  /**
   * The pooled vector of each sentence.
   *
   * @param sentences token ids with special tokens, 1 to maxPositions each
   * @throws IllegalArgumentException for a sentence that is empty, too long or holds an unknown id
   * @throws IllegalStateException after close
   */
  float[][] encode(List<int[]> sentences) {
    for (int s = 0; s < sentences.size(); s++) {
      check(s, sentences.get(s));
    }
    float[][] vectors = new float[sentences.size()][];
    int next = 0;
    while (next < vectors.length) {
      turn.lock(); // a long list lets other callers in between its passes
      try {
        if (closed) {
          throw new IllegalStateException("the model is closed");
        }
        firstResult = next;
        results = vectors;
        next = fill(sentences, next);
        sinter.pool().run(plan);
      } finally {
        results = null;
        turn.unlock();
      }
    }
    return vectors;
  }

  private void check(int index, int[] ids) {
    if (ids.length < 1 || ids.length > config.maxPositions()) {
      throw new IllegalArgumentException(
          "sentence "
              + index
              + " has "
              + ids.length
              + " tokens, must be 1 to "
              + config.maxPositions());
    }
    for (int id : ids) {
      if (id < 0 || id >= embeddings.words()) {
        throw new IllegalArgumentException(
            "sentence "
                + index
                + ": token id "
                + id
                + ", must be 0 to "
                + (embeddings.words() - 1));
      }
    }
  }

  /** Takes sentences from {@code next} on as long as they fit; returns the first left over. */
  private int fill(List<int[]> sentences, int next) {
    batch.clear();
    int sentence = next;
    while (sentence < sentences.size() && batch.fits(sentences.get(sentence).length)) {
      int[] ids = sentences.get(sentence++);
      int row = batch.rows();
      System.arraycopy(ids, 0, tokens, row, ids.length);
      for (int i = 0; i < ids.length; i++) {
        positions[row + i] = i;
      }
      batch.add(ids.length);
    }
    return sentence;
  }

  Map<String, Linear> linears() {
    return linears;
  }

  Map<String, ErrorReport> errors() {
    return errors;
  }

  /** Bytes of all resident parameters. */
  long bytes() {
    return embeddings.bytes()
        + lastNorm.bytes()
        + layers.stream().mapToLong(BertLayer::bytes).sum();
  }

  /** Waits for running passes, then frees all weights and buffers. Idempotent. */
  @Override
  public void close() {
    turn.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      layers.forEach(BertLayer::close);
      if (attention != null) {
        attention.close();
      }
      if (lastNorm != null) {
        lastNorm.close();
      }
      arena.close();
    } finally {
      turn.unlock();
    }
  }
}
