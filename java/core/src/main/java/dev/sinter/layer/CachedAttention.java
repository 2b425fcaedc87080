package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.Planner;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Causal attention of the new rows of a pass over the {@link KvCache}. In each layer of a model,
 * {@link #store} writes their keys and values, after rotation, and {@link #operations} follow.
 *
 * <p>One object serves all layers that agree in their spec, and any number of plans. Thread-safe.
 */
public final class CachedAttention implements AutoCloseable {
  private final CachedAttentionSpec spec;
  private final CachedAttentionKernel kernel;
  private final String explanation;

  private CachedAttention(
      CachedAttentionSpec spec, CachedAttentionKernel kernel, String explanation) {
    this.spec = spec;
    this.kernel = kernel;
    this.explanation = explanation;
  }

  public static CachedAttention of(Sinter sinter, CachedAttentionSpec spec) {
    Planner.Choice choice = sinter.planner().choose(spec);
    CachedAttentionKernel kernel = choice.backend().cachedAttention(spec);
    return new CachedAttention(spec, kernel, choice.explain(kernel));
  }

  /**
   * Writes keys and values of rows to the pages of their sequences.
   *
   * @param layer of the cache
   * @param qkv f32 [rows, (heads + 2 kvHeads) * headDim]: queries, keys and values side by side
   */
  public RowOperation.Step store(int layer, MemorySegment qkv, KvBatch batch) {
    return (from, to) -> {
      int sequence = 0;
      for (int row = from; row < to; row++) {
        while (row >= batch.start(sequence) + batch.length(sequence)) {
          sequence++;
        }
        store(layer, qkv, row, batch.sequence(sequence), batch.position(row));
      }
    };
  }

  private void store(int layer, MemorySegment qkv, int row, KvSequence sequence, int position) {
    KvLayout layout = sequence.layout();
    spec.checkCache(layout, layer);
    MemorySegment page = sequence.writablePage(position);
    int slot = position % KvLayout.PAGE_TOKENS;
    long key = 4L * row * spec.qkvWidth() + 4L * spec.outWidth();
    long bytes = 4L * spec.headDim();
    for (int head = 0; head < spec.kvHeads(); head++) {
      long value = key + spec.kvHeads() * bytes;
      layout.write(page, layout.offset(layer, head), slot, qkv, key, value);
      key += bytes;
    }
  }

  /**
   * Attention bound to its buffers: two operations, the second of which has work only where a
   * single row has so many positions before it that several workers share them.
   *
   * @param name of the first; the second is {@code name + ".merge"}
   * @param layer of the cache
   * @param qkv f32 [rows, (heads + 2 kvHeads) * headDim], of which the queries are read
   * @param out f32 [rows, heads * headDim]
   */
  public List<ForwardPlan.Operation> operations(
      String name, int layer, MemorySegment qkv, MemorySegment out, KvBatch batch) {
    long stride = spec.kvHeads() * kernel.partBytes();
    batch.needParts(stride);
    return List.of(
        new Attend(name, layer, qkv, out, batch, stride),
        new Merge(name + ".merge", out, batch, stride));
  }

  /** A tile is a unit of the batch and one head of keys and values. */
  private final class Attend implements ForwardPlan.Operation {
    private final String name;
    private final int layer;
    private final MemorySegment qkv;
    private final MemorySegment out;
    private final KvBatch batch;
    private final long stride;

    Attend(
        String name, int layer, MemorySegment qkv, MemorySegment out, KvBatch batch, long stride) {
      this.name = name;
      this.layer = layer;
      this.qkv = qkv;
      this.out = out;
      this.batch = batch;
      this.stride = stride;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int tiles() {
      return batch.units() * spec.kvHeads();
    }

    @Override
    public void run(int worker, int tile) {
      int unit = tile / spec.kvHeads();
      int kvHead = tile % spec.kvHeads();
      int sequence = batch.unitSequence(unit);
      int index = batch.unitIndex(unit);
      int past = batch.past(sequence);
      int start = batch.start(sequence);
      KvSequence pages = batch.sequence(sequence);
      if (!batch.isCut(sequence)) {
        int first = index * CachedAttentionSpec.ROWS;
        int rows = Math.min(CachedAttentionSpec.ROWS, batch.length(sequence) - first);
        kernel.run(worker, qkv, start + first, rows, past + first, kvHead, pages, layer, out);
      } else if (index >= firstSegment(past)) {
        long at = (batch.firstPart(sequence) + index) * stride + kvHead * kernel.partBytes();
        MemorySegment parts = batch.partMemory();
        kernel.runSegment(worker, qkv, start, past, kvHead, pages, layer, index, parts, at);
      }
    }
  }

  private int firstSegment(int position) {
    return spec.firstVisible(position) / CachedAttentionSpec.SEGMENT;
  }

  /** A tile is a sequence and one head of keys and values. */
  private final class Merge implements ForwardPlan.Operation {
    private final String name;
    private final MemorySegment out;
    private final KvBatch batch;
    private final long stride;

    Merge(String name, MemorySegment out, KvBatch batch, long stride) {
      this.name = name;
      this.out = out;
      this.batch = batch;
      this.stride = stride;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int tiles() {
      return batch.hasParts() ? batch.count() * spec.kvHeads() : 0;
    }

    @Override
    public void run(int worker, int tile) {
      int sequence = tile / spec.kvHeads();
      if (!batch.isCut(sequence)) {
        return;
      }
      int kvHead = tile % spec.kvHeads();
      int position = batch.past(sequence);
      int first = firstSegment(position);
      int count = position / CachedAttentionSpec.SEGMENT + 1 - first;
      long at = (batch.firstPart(sequence) + first) * stride + kvHead * kernel.partBytes();
      kernel.merge(
          worker, batch.partMemory(), at, stride, count, kvHead, out, batch.start(sequence));
    }
  }

  /** What runs, and why each other backend does not. */
  public String explain() {
    return explanation;
  }

  @Override
  public void close() {
    kernel.close();
  }
}
