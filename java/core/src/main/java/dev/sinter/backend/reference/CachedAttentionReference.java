package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvPages;
import java.lang.foreign.MemorySegment;

/**
 * Cached attention in float64, query by query. A part is, in float64, for each query head of the
 * group the weighted sum of values [headDim], then the largest score, then the sum of weights.
 * Thread-safe.
 */
final class CachedAttentionReference implements CachedAttentionKernel {
  /** What a thread works on: a softmax, and the one it is merged into. */
  private static final class Scratch {
    final double[] weights = new double[CachedAttentionSpec.SEGMENT];
    final double[] part = new double[KvLayout.MAX_HEAD_DIM + 2];
    final double[] merged = new double[KvLayout.MAX_HEAD_DIM + 2];
  }

  private final CachedAttentionSpec spec;
  private final int headDim;
  private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

  CachedAttentionReference(CachedAttentionSpec spec) {
    this.spec = spec;
    headDim = spec.headDim();
  }

  @Override
  public String implementation() {
    return "cached_attention_reference";
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(
      int worker,
      MemorySegment qkv,
      int row,
      int rows,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      MemorySegment out) {
    spec.check(row, rows, position, kvHead, pages, layer);
    Scratch s = scratch.get();
    for (int i = 0; i < rows; i++) {
      int first = spec.firstVisible(position + i) / CachedAttentionSpec.SEGMENT;
      int last = (position + i) / CachedAttentionSpec.SEGMENT;
      for (int h = 0; h < spec.group(); h++) {
        int head = kvHead * spec.group() + h;
        for (int segment = first; segment <= last; segment++) {
          attend(qkv, row + i, position + i, head, pages, layer, segment, s);
          merge(s, segment == first);
        }
        store(s, out, row + i, head);
      }
    }
  }

  @Override
  public long partBytes() {
    return Math.ceilDiv(8L * spec.group() * (headDim + 2), 64) * 64;
  }

  @Override
  public void runSegment(
      int worker,
      MemorySegment qkv,
      int row,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      int segment,
      MemorySegment parts,
      long at) {
    spec.check(row, 1, position, kvHead, pages, layer);
    Scratch s = scratch.get();
    for (int h = 0; h < spec.group(); h++) {
      attend(qkv, row, position, kvHead * spec.group() + h, pages, layer, segment, s);
      MemorySegment.copy(s.part, 0, parts, JAVA_DOUBLE, at + part(h), headDim + 2);
    }
  }

  @Override
  public void merge(
      int worker,
      MemorySegment parts,
      long at,
      long stride,
      int count,
      int kvHead,
      MemorySegment out,
      int row) {
    Scratch s = scratch.get();
    for (int h = 0; h < spec.group(); h++) {
      for (int i = 0; i < count; i++) {
        long from = at + i * stride + part(h);
        MemorySegment.copy(parts, JAVA_DOUBLE, from, s.part, 0, headDim + 2);
        merge(s, i == 0);
      }
      store(s, out, row, kvHead * spec.group() + h);
    }
  }

  private long part(int h) {
    return 8L * h * (headDim + 2);
  }

  /** Leaves the part of one query and segment in {@code s.part}. */
  private void attend(
      MemorySegment qkv,
      int row,
      int position,
      int head,
      KvPages pages,
      int layer,
      int segment,
      Scratch s) {
    int begin = Math.max(spec.firstVisible(position), segment * CachedAttentionSpec.SEGMENT);
    int end = Math.min(position + 1, (segment + 1) * CachedAttentionSpec.SEGMENT);
    KvLayout layout = pages.layout();
    long heads = layout.offset(layer, head / spec.group());
    long query = (long) row * spec.qkvWidth() + (long) head * headDim;
    double max = Double.NEGATIVE_INFINITY;
    for (int t = begin; t < end; t++) {
      MemorySegment page = pages.page(t / KvLayout.PAGE_TOKENS);
      double dot = 0;
      for (int d = 0; d < headDim; d++) {
        dot +=
            (double) qkv.getAtIndex(JAVA_FLOAT, query + d)
                * layout.key(page, heads, t % KvLayout.PAGE_TOKENS, d);
      }
      // An infinite product is an error upstream; exp and tanh would turn it into a number.
      double score = Double.isInfinite(dot) ? Double.NaN : dot * spec.scale();
      score = spec.softCap() == 0 ? score : spec.softCap() * Math.tanh(score / spec.softCap());
      s.weights[t - begin] = score;
      max = Math.max(max, score);
    }
    double sum = 0;
    for (int i = 0; i < end - begin; i++) {
      s.weights[i] = Math.exp(s.weights[i] - max);
      sum += s.weights[i];
    }
    for (int d = 0; d < headDim; d++) {
      double weighted = 0;
      for (int t = begin; t < end; t++) {
        MemorySegment page = pages.page(t / KvLayout.PAGE_TOKENS);
        weighted += s.weights[t - begin] * layout.value(page, heads, t % KvLayout.PAGE_TOKENS, d);
      }
      s.part[d] = weighted;
    }
    s.part[headDim] = max;
    s.part[headDim + 1] = sum;
  }

  private void merge(Scratch s, boolean first) {
    if (first) {
      System.arraycopy(s.part, 0, s.merged, 0, headDim + 2);
      return;
    }
    double max = Math.max(s.merged[headDim], s.part[headDim]);
    double before = Math.exp(s.merged[headDim] - max);
    double now = Math.exp(s.part[headDim] - max);
    for (int d = 0; d < headDim + 2; d++) {
      s.merged[d] = s.merged[d] * before + s.part[d] * now;
    }
    s.merged[headDim] = max;
  }

  private void store(Scratch s, MemorySegment out, int row, int head) {
    long to = (long) row * spec.outWidth() + (long) head * headDim;
    for (int d = 0; d < headDim; d++) {
      out.setAtIndex(JAVA_FLOAT, to + d, (float) (s.merged[d] / s.merged[headDim + 1]));
    }
  }
}
