package dev.sinter.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import dev.sinter.layer.CachedAttention;
import dev.sinter.layer.ForwardPlan;
import dev.sinter.layer.KvBatch;
import dev.sinter.layer.KvCache;
import dev.sinter.layer.KvSequence;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The attention of one decoded token in all layers of a decoder, over keys and values that are made
 * up: what they are does not matter for the time, and a prompt as long would take minutes. As many
 * texts take turns as it needs for keys and values to come from memory. Not thread-safe.
 */
final class AttentionCase implements AutoCloseable {
  private static final int FILLED_AT_ONCE = 128;

  // What f32 arithmetic may be off; an int8 cache may round the queries or the weights as well.
  private static final double BOUND = 1e-3;
  private static final double BOUND_INT8 = 0.02;

  private final Arena arena = Arena.ofShared();
  private final Sinter sinter;
  private final DecoderShape shape;
  private final CachedAttentionSpec spec;
  private final int context;
  private final KvCache cache;
  private final CachedAttention attention;
  private final MemorySegment qkv;
  private final MemorySegment out;
  private final KvBatch batch = new KvBatch(FILLED_AT_ONCE);
  private final ForwardPlan plan;
  private final List<KvSequence> texts = new ArrayList<>();
  private int next;

  /**
   * @param context tokens that are attended to, the new one among them
   * @param cold whether keys and values are to come from memory
   */
  AttentionCase(Sinter sinter, DecoderShape shape, KvType type, int context, boolean cold) {
    this.sinter = sinter;
    this.shape = shape;
    this.context = context;
    spec = new CachedAttentionSpec(shape.heads(), shape.kvHeads(), shape.headDim(), type);
    cache =
        KvCache.of(shape.layers(), shape.kvHeads(), shape.headDim(), type, Long.MAX_VALUE / 1024);
    qkv = Data.activations(FILLED_AT_ONCE, spec.qkvWidth(), arena);
    out = Data.floats(1, spec.outWidth(), arena);
    attention = CachedAttention.of(sinter, spec);
    plan = plan(attention, batch, out, shape.layers());
    try {
      do {
        texts.add(fill());
      } while (cold && texts.size() < LinearCase.coldCopies(bytes()));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private ForwardPlan plan(
      CachedAttention attention, KvBatch batch, MemorySegment out, int layers) {
    List<ForwardPlan.Operation> operations = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      operations.addAll(attention.operations("attention", layer, qkv, out, batch));
    }
    return new ForwardPlan(operations);
  }

  /** All tokens but the new one are present; its key and value are written, too. */
  private KvSequence fill() {
    KvSequence text = cache.open();
    while (text.length() < context - 1) {
      store(text, Math.min(FILLED_AT_ONCE, context - 1 - text.length()));
      batch.advance();
    }
    store(text, 1);
    batch.clear();
    return text;
  }

  private void store(KvSequence text, int rows) {
    batch.add(text, rows);
    for (int layer = 0; layer < shape.layers(); layer++) {
      attention.store(layer, qkv, batch).run(0, rows);
    }
  }

  /** The attention of one token. */
  void step() {
    run(texts.get(next), batch, sinter, plan);
    next = next + 1 == texts.size() ? 0 : next + 1;
  }

  private static void run(KvSequence text, KvBatch batch, Sinter sinter, ForwardPlan plan) {
    batch.add(text, 1);
    sinter.pool().run(plan);
    batch.clear();
  }

  /**
   * Compares the last layer with the float64 reference on the same keys and values.
   *
   * @return null if they agree, else what does not
   */
  String disagreement() {
    out.fill((byte) -1); // NaN: an output that is not written is seen
    run(texts.getFirst(), batch, sinter, plan);
    KvBatch own = new KvBatch(1);
    try (Sinter judge = Sinter.open(new SinterOptions(1, "reference", null));
        CachedAttention reference = CachedAttention.of(judge, spec)) {
      MemorySegment right = Data.floats(1, spec.outWidth(), arena);
      List<ForwardPlan.Operation> last =
          reference.operations("attention", shape.layers() - 1, qkv, right, own);
      run(texts.getFirst(), own, judge, new ForwardPlan(last));
      double bound = cache.layout().type() == KvType.INT8 ? BOUND_INT8 : BOUND;
      double largest = 0;
      for (int i = 0; i < spec.outWidth(); i++) {
        largest = Math.max(largest, Math.abs(right.getAtIndex(JAVA_FLOAT, i)));
      }
      for (int i = 0; i < spec.outWidth(); i++) {
        double want = right.getAtIndex(JAVA_FLOAT, i);
        double got = out.getAtIndex(JAVA_FLOAT, i);
        if (!(Math.abs(got - want) <= bound * largest)) {
          return "output " + i + ": " + got + ", expected " + want + " +- " + bound * largest;
        }
      }
      return null;
    }
  }

  Explanation explanation() {
    return Explanation.of(attention.explain());
  }

  /** Of the keys and values of a text. */
  long bytes() {
    return (long) context * cache.layout().pageBytes() / KvLayout.PAGE_TOKENS;
  }

  @Override
  public void close() {
    attention.close();
    cache.close();
    arena.close();
  }
}
