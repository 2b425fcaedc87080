package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvPages;
import dev.sinter.backend.KvType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Cached attention, 32 queries at a time, all in f32: pages of another type are decoded first. A
 * row of a block is a query head of a row of the call.
 *
 * <p>Scratch of a worker, f32:
 *
 * <pre>
 * keys    [headDim][PAGE_TOKENS]   of a decoded page
 * values  [PAGE_TOKENS][stride]    likewise
 * queries [BLOCK][headDim]         times the scale
 * scores  [BLOCK][SEGMENT]         then the exponentials
 * sums    [LANES]                  sums of exponentials, lane by lane
 * parts   [BLOCK] records          weighed values, ..., the largest score, the sum of weights
 * merged  [BLOCK] records          of the segments so far
 * </pre>
 *
 * Segments, and why a row depends on nothing but its query and what it sees, are those of {@link
 * CachedAttentionSpec#SEGMENT}: scores of tokens that a row does not see are replaced by -infinity,
 * and their values are left out.
 */
final class CachedAttentionVector implements CachedAttentionKernel {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = FLOATS.length();
  private static final int PAGE = KvLayout.PAGE_TOKENS;
  private static final int SEGMENT = CachedAttentionSpec.SEGMENT;
  private static final int BLOCK = 32;

  /** Rows that {@link #score} takes at once; divides BLOCK. */
  private static final int ROWS = 4;

  private final CachedAttentionSpec spec;
  private final int headDim;
  private final int stride; // of values
  private final int record; // floats
  private final Exponential exponential;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] scratch;
  // Where the parts of a worker's scratch start, in bytes; keys start at 0.
  private final long values;
  private final long queries;
  private final long scores;
  private final long sums;
  private final long parts;
  private final long merged;

  CachedAttentionVector(CachedAttentionSpec spec, int workers, Exponential exponential) {
    this.spec = spec;
    this.exponential = exponential;
    headDim = spec.headDim();
    stride = Math.ceilDiv(headDim, 8) * 8;
    record = Math.ceilDiv(headDim, 16) * 16 + 16;
    values = 4L * PAGE * headDim;
    queries = values + 4L * PAGE * stride;
    scores = queries + 4L * BLOCK * headDim;
    sums = scores + 4L * BLOCK * SEGMENT;
    parts = sums + 4L * LANES;
    merged = parts + 4L * BLOCK * record;
    scratch = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      scratch[i] = arena.allocate(merged + 4L * BLOCK * record, 64);
    }
  }

  @Override
  public String implementation() {
    return "CachedAttentionVector:" + FLOATS.vectorBitSize();
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
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
    MemorySegment s = scratch[worker];
    int group = spec.group();
    for (int first = 0; first < rows * group; first += BLOCK) {
      int count = Math.min(BLOCK, rows * group - first);
      prepareQueries(qkv, row, kvHead, first, count, s);
      int begin = spec.firstVisible(position + first / group) / SEGMENT;
      int last = (position + (first + count - 1) / group) / SEGMENT;
      for (int segment = begin; segment <= last; segment++) {
        attend(pages, layer, kvHead, position, first, count, segment, s);
        for (int r = 0; r < count; r++) {
          int p = position + (first + r) / group;
          if (segment >= spec.firstVisible(p) / SEGMENT && segment <= p / SEGMENT) {
            boolean fresh = segment == spec.firstVisible(p) / SEGMENT;
            merge(s, merged + 4L * r * record, s, parts + 4L * r * record, fresh);
          }
        }
      }
      for (int r = 0; r < count; r++) {
        int head = kvHead * group + (first + r) % group;
        store(s, merged + 4L * r * record, out, row + (first + r) / group, head);
      }
    }
  }

  @Override
  public long partBytes() {
    return 4L * spec.group() * record;
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
      MemorySegment to,
      long at) {
    spec.check(row, 1, position, kvHead, pages, layer);
    MemorySegment s = scratch[worker];
    for (int first = 0; first < spec.group(); first += BLOCK) {
      int count = Math.min(BLOCK, spec.group() - first);
      prepareQueries(qkv, row, kvHead, first, count, s);
      attend(pages, layer, kvHead, position, first, count, segment, s);
      MemorySegment.copy(s, parts, to, at + 4L * first * record, 4L * count * record);
    }
  }

  @Override
  public void merge(
      int worker,
      MemorySegment from,
      long at,
      long partStride,
      int count,
      int kvHead,
      MemorySegment out,
      int row) {
    MemorySegment s = scratch[worker];
    for (int h = 0; h < spec.group(); h++) {
      for (int i = 0; i < count; i++) {
        merge(s, merged, from, at + i * partStride + 4L * h * record, i == 0);
      }
      store(s, merged, out, row, kvHead * spec.group() + h);
    }
  }

  private void prepareQueries(
      MemorySegment qkv, int row, int kvHead, int first, int count, MemorySegment s) {
    for (int r = 0; r < count; r++) {
      long head = kvHead * (long) spec.group() + (first + r) % spec.group();
      long from = (row + (long) (first + r) / spec.group()) * spec.qkvWidth() + head * headDim;
      for (int d = 0; d < headDim; d++) {
        set(s, queries + 4L * (r * headDim + d), get(qkv, 4 * (from + d)) * spec.scale());
      }
    }
  }

  /** Leaves the parts of the block for one segment in the scratch. */
  private void attend(
      KvPages pages,
      int layer,
      int kvHead,
      int position,
      int first,
      int count,
      int segment,
      MemorySegment s) {
    KvLayout layout = pages.layout();
    long head = layout.offset(layer, kvHead);
    int base = segment * SEGMENT;
    int group = spec.group();
    int begin = Math.max(base, spec.firstVisible(position + first / group));
    int end = Math.min(base + SEGMENT, position + (first + count - 1) / group + 1);
    boolean direct = layout.type() == KvType.F32;
    for (int t = begin / PAGE * PAGE; t < end; t += PAGE) {
      MemorySegment page = pages.page(t / PAGE);
      if (!direct) {
        layout.decodeKeys(page, head, s, 0);
      }
      for (int r = 0; r < count; r += ROWS) {
        score(direct ? page : s, direct ? head : 0, r, count - 1, t - base, s);
      }
    }
    s.asSlice(parts, 4L * count * record).fill((byte) 0);
    for (int r = 0; r < count; r++) {
      int p = position + (first + r) / group;
      int from = Math.max(begin, spec.firstVisible(p));
      int to = Math.min(end, p + 1);
      if (from < to) {
        softmax(r, from - base, to - base, s);
      }
    }
    for (int t = begin / PAGE * PAGE; t < end; t += PAGE) {
      MemorySegment page = pages.page(t / PAGE);
      if (!direct) {
        layout.decodeValues(page, head, s, values);
      }
      MemorySegment from = direct ? page : s;
      long at = direct ? head + layout.keyBytes() : values;
      for (int r = 0; r < count; r++) {
        int p = position + (first + r) / group;
        int slot = Math.max(t, Math.max(begin, spec.firstVisible(p))) - t;
        int stop = Math.min(t + PAGE, Math.min(end, p + 1)) - t;
        if (slot < stop) {
          weigh(from, at + 4L * slot * stride, r, t - base + slot, stop - slot, s);
        }
      }
    }
  }

  /** Scores of rows r to r + ROWS, the last of which may be repeated, with the tokens of a page. */
  private void score(MemorySegment keys, long from, int r, int last, int column, MemorySegment s) {
    long bytes = 4L * headDim;
    long q0 = queries + r * bytes;
    long q1 = queries + Math.min(r + 1, last) * bytes;
    long q2 = queries + Math.min(r + 2, last) * bytes;
    long q3 = queries + Math.min(r + 3, last) * bytes;
    long to = scores + 4L * (r * SEGMENT + column);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int slot = 0; slot < PAGE; slot += LANES) {
      FloatVector a0 = zero;
      FloatVector a1 = zero;
      FloatVector a2 = zero;
      FloatVector a3 = zero;
      for (int d = 0; d < headDim; d++) {
        long at = from + 4L * (d * PAGE + slot);
        FloatVector key = FloatVector.fromMemorySegment(FLOATS, keys, at, ORDER);
        a0 = key.fma(FloatVector.broadcast(FLOATS, get(s, q0 + 4L * d)), a0);
        a1 = key.fma(FloatVector.broadcast(FLOATS, get(s, q1 + 4L * d)), a1);
        a2 = key.fma(FloatVector.broadcast(FLOATS, get(s, q2 + 4L * d)), a2);
        a3 = key.fma(FloatVector.broadcast(FLOATS, get(s, q3 + 4L * d)), a3);
      }
      // Infinity becomes NaN: an exponential, and a cap all the more, would hide it.
      a0.fma(zero, a0).intoMemorySegment(s, to + 4L * slot, ORDER);
      a1.fma(zero, a1).intoMemorySegment(s, to + 4L * (slot + SEGMENT), ORDER);
      a2.fma(zero, a2).intoMemorySegment(s, to + 4L * (slot + 2 * SEGMENT), ORDER);
      a3.fma(zero, a3).intoMemorySegment(s, to + 4L * (slot + 3 * SEGMENT), ORDER);
    }
  }

  /** Turns the scores of a row that it sees into weights. */
  private void softmax(int r, int from, int to, MemorySegment s) {
    long row = scores + 4L * r * SEGMENT;
    int begin = from / LANES * LANES;
    int end = Math.ceilDiv(to, LANES) * LANES;
    float cap = spec.softCap();
    for (int i = from; i < to && cap > 0; i++) {
      set(s, row + 4L * i, cap * (float) Math.tanh(get(s, row + 4L * i) / cap));
    }
    for (int i = begin; i < from; i++) {
      set(s, row + 4L * i, Float.NEGATIVE_INFINITY);
    }
    for (int i = to; i < end; i++) {
      set(s, row + 4L * i, Float.NEGATIVE_INFINITY);
    }
    int bytes = 4 * (end - begin);
    float largest = exponential.max(s, row + 4L * begin, bytes);
    exponential.apply(s, row + 4L * begin, bytes, largest, 1, sums);
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += get(s, sums + 4L * lane);
    }
    long at = parts + 4L * (r + 1) * record;
    set(s, at - 8, largest);
    set(s, at - 4, sum);
  }

  /** Adds to the part of a row what some tokens of a page weigh, by weights from a column on. */
  private void weigh(MemorySegment v, long from, int r, int column, int tokens, MemorySegment s) {
    long weights = scores + 4L * (r * SEGMENT + column);
    long to = parts + 4L * r * record;
    int d = 0;
    for (; d + 4 * LANES <= stride; d += 4 * LANES) {
      weighFour(v, from + 4L * d, weights, tokens, to + 4L * d, s);
    }
    for (; d + LANES <= stride; d += LANES) {
      weighOne(v, from + 4L * d, weights, tokens, to + 4L * d, s);
    }
    for (; d < headDim; d++) { // half a vector of 16 lanes
      float sum = get(s, to + 4L * d);
      for (int j = 0; j < tokens; j++) {
        sum = Math.fma(get(s, weights + 4L * j), get(v, from + 4L * (j * stride + d)), sum);
      }
      set(s, to + 4L * d, sum);
    }
  }

  private void weighFour(
      MemorySegment v, long from, long weights, int tokens, long to, MemorySegment s) {
    long vector = 4L * LANES;
    FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, to, ORDER);
    FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, s, to + vector, ORDER);
    FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, s, to + 2 * vector, ORDER);
    FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, s, to + 3 * vector, ORDER);
    for (int j = 0; j < tokens; j++) {
      FloatVector weight = FloatVector.broadcast(FLOATS, get(s, weights + 4L * j));
      long at = from + 4L * j * stride;
      a0 = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER).fma(weight, a0);
      a1 = FloatVector.fromMemorySegment(FLOATS, v, at + vector, ORDER).fma(weight, a1);
      a2 = FloatVector.fromMemorySegment(FLOATS, v, at + 2 * vector, ORDER).fma(weight, a2);
      a3 = FloatVector.fromMemorySegment(FLOATS, v, at + 3 * vector, ORDER).fma(weight, a3);
    }
    a0.intoMemorySegment(s, to, ORDER);
    a1.intoMemorySegment(s, to + vector, ORDER);
    a2.intoMemorySegment(s, to + 2 * vector, ORDER);
    a3.intoMemorySegment(s, to + 3 * vector, ORDER);
  }

  private void weighOne(
      MemorySegment v, long from, long weights, int tokens, long to, MemorySegment s) {
    FloatVector sum = FloatVector.fromMemorySegment(FLOATS, s, to, ORDER);
    for (int j = 0; j < tokens; j++) {
      FloatVector weight = FloatVector.broadcast(FLOATS, get(s, weights + 4L * j));
      long at = from + 4L * j * stride;
      sum = FloatVector.fromMemorySegment(FLOATS, v, at, ORDER).fma(weight, sum);
    }
    sum.intoMemorySegment(s, to, ORDER);
  }

  /** One softmax more in the record of another, both relative to the larger of their largest. */
  private void merge(MemorySegment s, long into, MemorySegment from, long part, boolean fresh) {
    long most = 4L * (record - 2);
    if (fresh) {
      MemorySegment.copy(from, part, s, into, 4L * record);
      return;
    }
    float largest = Math.max(get(s, into + most), get(from, part + most));
    float before = (float) Math.exp(get(s, into + most) - largest);
    float now = (float) Math.exp(get(from, part + most) - largest);
    for (int i = 0; i < record; i++) {
      float sum = get(s, into + 4L * i) * before;
      set(s, into + 4L * i, Math.fma(get(from, part + 4L * i), now, sum));
    }
    set(s, into + most, largest);
  }

  private void store(MemorySegment s, long from, MemorySegment out, int row, int head) {
    float inverse = 1 / get(s, from + 4L * (record - 1));
    long to = 4 * ((long) row * spec.outWidth() + (long) head * headDim);
    for (int d = 0; d < headDim; d++) {
      set(out, to + 4L * d, get(s, from + 4L * d) * inverse);
    }
  }

  private static float get(MemorySegment s, long offset) {
    return s.get(JAVA_FLOAT_UNALIGNED, offset);
  }

  private static void set(MemorySegment s, long offset, float value) {
    s.set(JAVA_FLOAT_UNALIGNED, offset, value);
  }
}
