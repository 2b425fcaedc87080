package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.compress.Quantizer;
import dev.sinter.layer.CachedAttention;
import dev.sinter.layer.ForwardPlan;
import dev.sinter.layer.KvBatch;
import dev.sinter.layer.KvCache;
import dev.sinter.layer.KvSequence;
import dev.sinter.layer.Linear;
import dev.sinter.layer.RmsNorm;
import dev.sinter.layer.Rope;
import dev.sinter.layout.PackedModel;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * The graph of a decoder with its weights, buffers and KV cache. A pass takes new tokens of one
 * sequence through all layers, and is one parallel region. Thread-safe: passes of several sessions
 * run one after another, first come, first served, and share the buffers.
 */
final class Decoder implements AutoCloseable {
  /** Tokens of a pass: enough for full speed, few enough that others soon have their turn. */
  static final int MAX_ROWS = 256;

  private static final long ALIGNMENT = 64;

  private final Sinter sinter;
  private final DecoderConfig config;
  private final int context;
  private final Arena arena = Arena.ofShared();
  private final ReentrantLock turn = new ReentrantLock(true);
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final Map<Integer, CachedAttention> attentions = new HashMap<>(); // by window
  private final KvBatch batch = new KvBatch(MAX_ROWS);
  private final int[] tokens = new int[MAX_ROWS];
  private final Map<String, Linear> linears = new LinkedHashMap<>(); // by name
  private final PackedModel packed;
  private TokenTable embeddings;
  private Rope rope;
  private KvCache cache;
  private DecoderHead head;
  private ForwardPlan plan;
  private ForwardPlan headPlan;
  private boolean closed;

  private Decoder(Sinter sinter, PackedModel packed, DecoderConfig config, int context) {
    this.sinter = sinter;
    this.packed = packed;
    this.config = config;
    this.context = context;
  }

  /**
   * Reads, compresses and packs all weights.
   *
   * @param checkpoints opens the weights, once for each layer that is not packed yet: a checkpoint
   *     keeps what it has read until it is closed
   * @param packed has the weights that need not be read, and gets the others; closed with the
   *     decoder
   */
  static Decoder load(
      Sinter sinter,
      Supplier<Checkpoint> checkpoints,
      PackedModel packed,
      DecoderConfig config,
      DecoderOptions options,
      Progress progress) {
    int context =
        options.context() == 0
            ? Math.min(config.maxPositions(), DecoderOptions.DEFAULT_CONTEXT)
            : options.context();
    Decoder decoder = new Decoder(sinter, packed, config, context);
    try {
      decoder.prepare(options);
      decoder.load(checkpoints, options.scheme(), progress);
      decoder.makePlans();
      return decoder;
    } catch (RuntimeException | Error e) {
      decoder.close();
      throw e;
    }
  }

  /** All but the weights. */
  private void prepare(DecoderOptions options) {
    DecoderConfig.Attention a = config.attention();
    cache =
        KvCache.of(
            config.layers(), a.kvHeads(), a.headDim(), options.cache(), options.cacheBytes());
    rope =
        Rope.of(
            a.heads(),
            a.kvHeads(),
            a.headDim(),
            config
                .rotary()
                .scaling()
                .inverseFrequencies(config.rotary().theta(), a.headDim(), context),
            (float) config.rotary().scaling().factor(),
            context);
    for (int window : a.windows()) {
      attentions.computeIfAbsent(
          window,
          w ->
              CachedAttention.of(
                  sinter,
                  new CachedAttentionSpec(
                      a.heads(),
                      a.kvHeads(),
                      a.headDim(),
                      (float) a.scale(),
                      (float) a.softCap(),
                      w,
                      options.cache())));
    }
  }

  private void load(Supplier<Checkpoint> checkpoints, DecoderScheme scheme, Progress progress) {
    try (LayerSource source = new LayerSource(sinter, checkpoints, packed, linears)) {
      loadEmbeddings(source.loader(), scheme);
      for (int i = 0; i < config.layers(); i++) {
        progress.step("loading layers", i, config.layers());
        layers.add(DecoderLayer.load(source.loader(), config, i, scheme));
      }
      loadHead(source.loader(), scheme);
    }
    progress.step("loading layers", config.layers(), config.layers());
  }

  private void loadEmbeddings(LinearLoader loader, DecoderScheme scheme) {
    String module = DecoderTensors.EMBEDDINGS;
    int rows = config.vocabulary().size();
    int hidden = config.hidden();
    DType stored = loader.tensors().matrixType(module, rows, hidden);
    float factor = embeddingFactor(stored);
    DType type =
        switch (scheme.embeddings() == null ? null : scheme.embeddings().kind()) {
          case null -> stored;
          case F32 -> DType.F32;
          case BF16 -> DType.BF16;
          default -> DType.I8;
        };
    String key = loader.tensors().name(module) + ": embeddings in " + type;
    PackedWeights found = packed.find(key, w -> TokenTable.fits(w, type, rows, hidden));
    if (found != null) {
      embeddings = TokenTable.of(found, type, rows, hidden, factor);
      return;
    }
    Dense matrix = loader.tensors().matrix(module, rows, hidden);
    try (Arena scratch = Arena.ofConfined()) {
      CompressedTensor table = matrix;
      if (scheme.embeddings() != null) {
        table =
            switch (scheme.embeddings().kind()) {
              case F32, BF16 -> LinearLoader.compress(matrix, scheme.embeddings(), scratch);
              default -> Quantizer.roundToNearest(matrix, 8, Granularity.CHANNEL, scratch);
            };
      }
      embeddings = TokenTable.of(table, factor, arena);
    }
    packed.keep(key, embeddings.packed());
  }

  /** In the type of the file, as it is where models are trained. */
  private float embeddingFactor(DType stored) {
    if (!config.vocabulary().scaled()) {
      return 1;
    }
    float factor = (float) Math.sqrt(config.hidden());
    return switch (stored) {
      case BF16 -> Float.intBitsToFloat(DType.roundToBf16(factor) << 16);
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(factor));
      default -> factor;
    };
  }

  private void loadHead(LinearLoader loader, DecoderScheme scheme) {
    String module = config.vocabulary().tied() ? DecoderTensors.EMBEDDINGS : DecoderTensors.HEAD;
    Linear linear =
        loader.head(
            scheme.head(),
            scheme.attention().scheme(),
            new LinearLoader.Part(module, config.vocabulary().size(), config.hidden(), false));
    try {
      RmsNorm norm = DecoderLayer.norm(loader, config, "norm", linear);
      float cap = (float) config.vocabulary().softCap();
      head = new DecoderHead(norm, linear, cap, MAX_ROWS, arena);
    } catch (RuntimeException | Error e) {
      linear.close();
      throw e;
    }
  }

  private void makePlans() {
    DecoderConfig.Attention a = config.attention();
    MemorySegment x = floats(config.hidden());
    long codes =
        layers.stream()
            .flatMap(DecoderLayer::linears)
            .mapToLong(l -> l.codesBytes(MAX_ROWS))
            .max()
            .orElse(0);
    boolean ownUp = layers.stream().anyMatch(DecoderLayer::hasOwnUp);
    DecoderBuffers buffers =
        new DecoderBuffers(
            x,
            floats(config.hidden()),
            floats(a.qkvWidth()),
            floats(a.heads() * a.headDim()),
            floats(config.mlp().width()),
            ownUp ? floats(config.mlp().width()) : null,
            SegmentAllocator.prefixAllocator(arena.allocate(Math.max(codes, 1), ALIGNMENT)),
            batch);
    PlanBuilder builder = new PlanBuilder(batch::rows);
    builder.step(
        "embeddings",
        (from, to) -> {
          for (int row = from; row < to; row++) {
            embeddings.write(tokens[row], x, row);
          }
        });
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).plan(builder, buffers, rope, attentions.get(a.windows().get(i)));
    }
    List<ForwardPlan.Operation> last = head.operations(x);
    last.forEach(builder::operation);
    plan = builder.build();
    headPlan = new ForwardPlan(last);
  }

  private MemorySegment floats(int width) {
    return LargeMemory.allocate(arena, 4L * MAX_ROWS * width);
  }

  /** Takes the logits of a row. */
  @FunctionalInterface
  interface LogitsReader {
    /**
     * @param index the row, 0 for the first of the tokens that were passed in
     */
    void read(int index, DecoderHead head, int wanted);
  }

  /**
   * Takes new tokens of a sequence through the model, {@link #MAX_ROWS} at a time.
   *
   * @param from the first of {@code ids}, of which all are known ids
   * @param firstWanted the first token whose logits are wanted, with all behind it
   * @throws IllegalArgumentException if they do not fit into the context
   * @throws dev.sinter.layer.KvCacheFullException if the cache has no room; the sequence has all
   *     tokens of the passes before
   * @throws IllegalStateException after close
   */
  void forward(
      KvSequence sequence, int[] ids, int from, int to, int firstWanted, LogitsReader reader) {
    if (to - from > context - sequence.length()) {
      throw new IllegalArgumentException(
          to
              - from
              + " tokens after "
              + sequence.length()
              + " do not fit into a context of "
              + context);
    }
    for (int at = from; at < to; at += MAX_ROWS) {
      turn.lock(); // a long text lets other sessions in between its passes
      try {
        requireOpen();
        pass(sequence, ids, at, Math.min(to, at + MAX_ROWS), firstWanted, reader);
      } finally {
        turn.unlock();
      }
    }
  }

  private void pass(
      KvSequence sequence, int[] ids, int from, int to, int firstWanted, LogitsReader reader) {
    batch.clear();
    try {
      batch.add(sequence, to - from);
      System.arraycopy(ids, from, tokens, 0, to - from);
      int wanted = Math.max(from, firstWanted);
      int count = Math.clamp(to - wanted, 0, head.maxRows());
      head.want(wanted - from, count);
      sinter.pool().run(plan);
      batch.advance();
      read(wanted, count, reader);
      for (int at = wanted + count; at < to && count > 0; at += count) {
        count = Math.min(to - at, head.maxRows());
        head.want(at - from, count);
        sinter.pool().run(headPlan);
        read(at, count, reader);
      }
    } finally {
      batch.clear(); // keeps no sequence alive
    }
  }

  private void read(int first, int count, LogitsReader reader) {
    for (int i = 0; i < count; i++) {
      reader.read(first + i, head, i);
    }
  }

  /** An empty sequence. */
  KvSequence open() {
    turn.lock();
    try {
      requireOpen();
      return cache.open();
    } finally {
      turn.unlock();
    }
  }

  /** Runs something while no pass runs. */
  void exclusively(Runnable task) {
    turn.lock();
    try {
      task.run();
    } finally {
      turn.unlock();
    }
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
  }

  DecoderConfig config() {
    return config;
  }

  /** Longest text in tokens. */
  int context() {
    return context;
  }

  KvCache cache() {
    return cache;
  }

  Map<String, Linear> linears() {
    return linears;
  }

  /** What attention and the norms run on. */
  String explainAttention(int layer) {
    return attentions.get(config.attention().windows().get(layer)).explain();
  }

  /** Bytes of all resident parameters and of the tables of the rotary embeddings. */
  long bytes() {
    return embeddings.bytes() + rope.bytes() + passBytes();
  }

  /** Bytes of the parameters that every pass reads: all but embeddings and tables. */
  long passBytes() {
    return head.bytes() + layers.stream().mapToLong(DecoderLayer::bytes).sum();
  }

  /** Waits for running passes, then frees everything. Idempotent. */
  @Override
  public void close() {
    turn.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      layers.forEach(DecoderLayer::close);
      attentions.values().forEach(CachedAttention::close);
      if (head != null) {
        head.close();
      }
      if (cache != null) {
        cache.close();
      }
      packed.close();
      arena.close();
    } finally {
      turn.unlock();
    }
  }
}
