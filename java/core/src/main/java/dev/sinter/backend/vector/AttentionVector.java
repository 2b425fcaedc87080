package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Attention of one head of one sequence, eight query rows at a time.
 *
 * <p>Scratch of a worker, f32, with length rounded up to whole vectors as {@code padded}:
 *
 * <pre>
 * keys    [headDim][padded + LANES]               K transposed; padding columns 0
 * values  [ceil(headDim / LANES)][length][LANES]  V in panels of columns; padding columns 0
 * scores  [ROWS][padded]                          Q K^T, then its exponentials
 * sums    [ROWS][LANES]                           sums of exponentials, lane by lane
 * weighed [ROWS][LANES]                           rows of exp(Q K^T) V, one panel of columns
 * edge    [2 LANES]                               LANES zeros, LANES times -infinity
 * </pre>
 *
 * A row of keys has LANES more columns than it needs, so that rows do not fall into the same cache
 * sets. A block of scores starts from a window into {@code edge}: 0 for keys, -infinity for padding
 * columns, whose exponential is 0 exactly. Rows beyond the last query repeat it and are not
 * written. Every sum has an order that length and headDim alone determine: a row of the result
 * depends on nothing but its query and the keys and values of its sequence.
 *
 * <p>Reads and writes nothing but the head's columns of the sequence's rows.
 */
final class AttentionVector implements AttentionKernel {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = FLOATS.length();
  private static final int ROWS = 8;

  private final AttentionSpec spec;
  private final int headDim;
  private final int heads;
  private final float scale;
  private final Exponential exponential;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] scratch;
  // Where the parts of a worker's scratch start, in bytes; keys start at 0.
  private final long values;
  private final long scores;
  private final long sums;
  private final long weighed;
  private final long edge;

  AttentionVector(AttentionSpec spec, int workers, Exponential exponential) {
    this.exponential = exponential;
    this.spec = spec;
    headDim = spec.headDim();
    int maxLength = spec.maxLength();
    heads = spec.heads();
    scale = (float) (1 / Math.sqrt(headDim));
    long padded = padded(maxLength);
    values = 4 * headDim * (padded + LANES);
    scores = values + 4L * padded(headDim) * maxLength;
    sums = scores + 4 * ROWS * padded;
    weighed = sums + 4L * ROWS * LANES;
    edge = weighed + 4L * ROWS * LANES;
    scratch = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      scratch[i] = arena.allocate(edge + 8L * LANES, 64);
      for (int lane = 0; lane < LANES; lane++) {
        set(scratch[i], edge + 4L * (LANES + lane), Float.NEGATIVE_INFINITY);
      }
    }
  }

  @Override
  public String implementation() {
    return "AttentionVector:" + FLOATS.vectorBitSize();
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
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      int stride,
      MemorySegment out,
      int start,
      int length,
      int head) {
    spec.check(stride, start, length, head);
    MemorySegment s = scratch[worker];
    long inStride = 4L * stride;
    long outStride = 4L * heads * headDim;
    long headOffset = 4L * head * headDim;
    long base = start * inStride + headOffset;
    transposeKeys(k, base, inStride, length, s);
    packValues(v, base, inStride, length, s);
    for (int row = 0; row < length; row += ROWS) {
      score(q, base, inStride, row, length, s);
      exponentiate(length, s);
      for (int column = 0; column < headDim; column += LANES) {
        weigh(column, length, s);
        long target = (start + row) * outStride + headOffset + 4L * column;
        store(out, target, outStride, Math.min(ROWS, length - row), headDim - column, s);
      }
    }
  }

  private void transposeKeys(MemorySegment k, long base, long stride, int length, MemorySegment s) {
    int padded = padded(length);
    long keyStride = 4L * (padded + LANES);
    for (int j = 0; j < length; j++) {
      long source = base + j * stride;
      for (int d = 0; d < headDim; d++) {
        set(s, d * keyStride + 4L * j, get(k, source + 4L * d));
      }
    }
    for (int d = 0; d < headDim; d++) {
      for (int j = length; j < padded; j++) {
        set(s, d * keyStride + 4L * j, 0);
      }
    }
  }

  private void packValues(MemorySegment v, long base, long stride, int length, MemorySegment s) {
    long target = values;
    for (int column = 0; column < headDim; column += LANES) {
      long source = base + 4L * column;
      if (column + LANES <= headDim) {
        for (int j = 0; j < length; j++) {
          FloatVector.fromMemorySegment(FLOATS, v, source + j * stride, ORDER)
              .intoMemorySegment(s, target + 4L * LANES * j, ORDER);
        }
      } else {
        for (int j = 0; j < length; j++) {
          for (int lane = 0; lane < LANES; lane++) {
            float value = column + lane < headDim ? get(v, source + j * stride + 4L * lane) : 0;
            set(s, target + 4L * (LANES * (long) j + lane), value);
          }
        }
      }
      target += 4L * LANES * length;
    }
  }

  /** Scores of the queries {@code row} to {@code row + ROWS} with every key. */
  private void score(
      MemorySegment q, long base, long stride, int row, int length, MemorySegment s) {
    int last = length - 1;
    long q0 = base + row * stride;
    long q1 = base + Math.min(row + 1, last) * stride;
    long q2 = base + Math.min(row + 2, last) * stride;
    long q3 = base + Math.min(row + 3, last) * stride;
    long q4 = base + Math.min(row + 4, last) * stride;
    long q5 = base + Math.min(row + 5, last) * stride;
    long q6 = base + Math.min(row + 6, last) * stride;
    long q7 = base + Math.min(row + 7, last) * stride;
    int padded = padded(length);
    long keyStride = 4L * (padded + LANES);
    for (int j = 0; j < padded; j += LANES) {
      int beyond = Math.max(0, j + LANES - length);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, edge + 4L * beyond, ORDER);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector a6 = a0;
      FloatVector a7 = a0;
      for (int d = 0; d < headDim; d++) {
        FloatVector key = FloatVector.fromMemorySegment(FLOATS, s, 4L * j + d * keyStride, ORDER);
        long at = 4L * d;
        a0 = key.fma(FloatVector.broadcast(FLOATS, get(q, q0 + at)), a0);
        a1 = key.fma(FloatVector.broadcast(FLOATS, get(q, q1 + at)), a1);
        a2 = key.fma(FloatVector.broadcast(FLOATS, get(q, q2 + at)), a2);
        a3 = key.fma(FloatVector.broadcast(FLOATS, get(q, q3 + at)), a3);
        a4 = key.fma(FloatVector.broadcast(FLOATS, get(q, q4 + at)), a4);
        a5 = key.fma(FloatVector.broadcast(FLOATS, get(q, q5 + at)), a5);
        a6 = key.fma(FloatVector.broadcast(FLOATS, get(q, q6 + at)), a6);
        a7 = key.fma(FloatVector.broadcast(FLOATS, get(q, q7 + at)), a7);
      }
      long target = scores + 4L * j;
      a0.intoMemorySegment(s, target, ORDER);
      a1.intoMemorySegment(s, target + 4L * padded, ORDER);
      a2.intoMemorySegment(s, target + 8L * padded, ORDER);
      a3.intoMemorySegment(s, target + 12L * padded, ORDER);
      a4.intoMemorySegment(s, target + 16L * padded, ORDER);
      a5.intoMemorySegment(s, target + 20L * padded, ORDER);
      a6.intoMemorySegment(s, target + 24L * padded, ORDER);
      a7.intoMemorySegment(s, target + 28L * padded, ORDER);
    }
  }

  /** Turns the rows of scores into {@code exp((score - max) * scale)} and sums them by lane. */
  private void exponentiate(int length, MemorySegment s) {
    int bytes = 4 * padded(length);
    for (int r = 0; r < ROWS; r++) {
      long row = scores + (long) r * bytes;
      exponential.apply(
          s, row, bytes, exponential.max(s, row, bytes), scale, sums + 4L * LANES * r);
    }
  }

  /** Sums of the values in one panel of columns, weighed by the exponentials. */
  private void weigh(int column, int length, MemorySegment s) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    FloatVector a6 = a0;
    FloatVector a7 = a0;
    long source = values + 4L * column * length;
    long row = 4L * padded(length);
    for (int j = 0; j < length; j++) {
      FloatVector value = FloatVector.fromMemorySegment(FLOATS, s, source + 4L * LANES * j, ORDER);
      long at = scores + 4L * j;
      a0 = value.fma(FloatVector.broadcast(FLOATS, get(s, at)), a0);
      a1 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + row)), a1);
      a2 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 2 * row)), a2);
      a3 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 3 * row)), a3);
      a4 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 4 * row)), a4);
      a5 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 5 * row)), a5);
      a6 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 6 * row)), a6);
      a7 = value.fma(FloatVector.broadcast(FLOATS, get(s, at + 7 * row)), a7);
    }
    long bytes = 4L * LANES;
    a0.intoMemorySegment(s, weighed, ORDER);
    a1.intoMemorySegment(s, weighed + bytes, ORDER);
    a2.intoMemorySegment(s, weighed + 2 * bytes, ORDER);
    a3.intoMemorySegment(s, weighed + 3 * bytes, ORDER);
    a4.intoMemorySegment(s, weighed + 4 * bytes, ORDER);
    a5.intoMemorySegment(s, weighed + 5 * bytes, ORDER);
    a6.intoMemorySegment(s, weighed + 6 * bytes, ORDER);
    a7.intoMemorySegment(s, weighed + 7 * bytes, ORDER);
  }

  /** Divides the weighed rows by their sums of exponentials and writes at most a panel of them. */
  private void store(
      MemorySegment out, long target, long stride, int rows, int columns, MemorySegment s) {
    for (int r = 0; r < rows; r++) {
      float sum = 0;
      for (int lane = 0; lane < LANES; lane++) {
        sum += get(s, sums + 4L * (LANES * r + lane));
      }
      float inverse = 1 / sum;
      long source = weighed + 4L * LANES * r;
      if (columns >= LANES) {
        FloatVector.fromMemorySegment(FLOATS, s, source, ORDER)
            .mul(FloatVector.broadcast(FLOATS, inverse))
            .intoMemorySegment(out, target + r * stride, ORDER);
      } else {
        for (int d = 0; d < columns; d++) {
          set(out, target + r * stride + 4L * d, get(s, source + 4L * d) * inverse);
        }
      }
    }
  }

  private static int padded(int count) {
    return Math.ceilDiv(count, LANES) * LANES;
  }

  private static float get(MemorySegment s, long offset) {
    return s.get(JAVA_FLOAT_UNALIGNED, offset);
  }

  private static void set(MemorySegment s, long offset, float value) {
    s.set(JAVA_FLOAT_UNALIGNED, offset, value);
  }
}
