package dev.sinter.testing;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import java.lang.foreign.MemorySegment;

/**
 * One layer's queries, keys and values of all tokens of a sequence, and what attention must make of
 * them: in float64, from the values that a cache of the type keeps, by code of its own.
 */
public final class CachedAttentionCase {
  private final CachedAttentionSpec spec;
  private final int length;
  private final float[] rows; // [length][qkvWidth]

  private CachedAttentionCase(CachedAttentionSpec spec, int length, float[] rows) {
    this.spec = spec;
    this.length = length;
    this.rows = rows;
  }

  /** Of normal values; queries and keys so that scores have that deviation. */
  public static CachedAttentionCase of(
      CachedAttentionSpec spec, int length, float deviation, TestRandom random) {
    float[] rows = new float[length * spec.qkvWidth()];
    double each = Math.sqrt(deviation / (spec.scale() * Math.sqrt(spec.headDim())));
    for (int i = 0; i < rows.length; i++) {
      boolean value = i % spec.qkvWidth() >= (spec.heads() + spec.kvHeads()) * spec.headDim();
      rows[i] = random.normal() * (float) (value ? 1 : each);
    }
    return new CachedAttentionCase(spec, length, rows);
  }

  /** Queries, keys and values of all tokens; may be changed before anything else is asked. */
  public float[] rows() {
    return rows;
  }

  /** Index of the first element of a query head. */
  public int query(int token, int head) {
    return token * spec.qkvWidth() + head * spec.headDim();
  }

  /** Index of the first element of a key. */
  public int key(int token, int kvHead) {
    return query(token, spec.heads() + kvHead);
  }

  /** Index of the first element of a value. */
  public int value(int token, int kvHead) {
    return query(token, spec.heads() + spec.kvHeads() + kvHead);
  }

  /** All tokens in a layer of a cache. */
  public GuardedPages pages(GuardedMemory memory, int layers, int layer) {
    KvLayout layout = new KvLayout(layers, spec.kvHeads(), spec.headDim(), spec.type());
    GuardedPages pages = new GuardedPages(memory, layout, length);
    MemorySegment all = MemorySegment.ofArray(rows);
    for (int t = 0; t < length; t++) {
      for (int head = 0; head < spec.kvHeads(); head++) {
        pages.write(layer, head, t, all, 4L * key(t, head), 4L * value(t, head));
      }
    }
    return pages;
  }

  /** What a cache of the type keeps of headDim elements. */
  private double[] kept(int from) {
    double[] kept = new double[spec.headDim()];
    double most = 0;
    for (int d = 0; d < kept.length; d++) {
      most = Math.max(most, Math.abs((double) rows[from + d]));
    }
    float scale = (float) most / 127;
    for (int d = 0; d < kept.length; d++) {
      float x = rows[from + d];
      kept[d] =
          switch (spec.type()) {
            case F32 -> x;
            case BF16 -> nearestBf16(x);
            case INT8 -> scale == 0 ? 0 : Math.rint(x / scale) * scale;
          };
    }
    return kept;
  }

  /** By the distance to both neighbours. */
  private static double nearestBf16(float x) {
    int bits = Float.floatToRawIntBits(x) & 0xffff0000;
    float below = Float.intBitsToFloat(bits);
    float above = Float.intBitsToFloat(bits + 0x10000);
    double toBelow = Math.abs((double) x - below);
    double toAbove = Math.abs((double) above - x);
    boolean even = (bits & 0x10000) == 0;
    return toBelow < toAbove || toBelow == toAbove && even ? below : above;
  }

  /** An exact result and how far f32 arithmetic may be from it, for each element of a head. */
  public record Expected(double[] out, double[] bound) {}

  /**
   * The result of one query head.
   *
   * <p>The bound: with p the softmax, a weight that is off by a factor 1 + e[j] moves the output by
   * {@code sum p[j] e[j] (v[j] - out) / (1 + sum p[j] e[j])}. e[j] comes from the product (sum,
   * scale and cap, and for an int8 cache the rounding of the query to 16 bits), the rounding of its
   * differences to the maximum of its segment and of that to the maximum of all, and exponentials.
   * The sums over keys, the merge of segments and the division add the rest.
   */
  public Expected expected(int token, int head) {
    int headDim = spec.headDim();
    int kvHead = head / (spec.heads() / spec.kvHeads());
    int first = spec.window() == 0 ? 0 : Math.max(0, token - spec.window() + 1);
    int count = token + 1 - first;
    double[] score = new double[count];
    double[] error = new double[count];
    double largestQuery = 0;
    for (int d = 0; d < headDim; d++) {
      largestQuery = Math.max(largestQuery, Math.abs((double) rows[query(token, head) + d]));
    }
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < count; j++) {
      double[] key = kept(key(first + j, kvHead));
      double dot = 0;
      double magnitude = 0;
      double keys = 0;
      for (int d = 0; d < headDim; d++) {
        double product = rows[query(token, head) + d] * key[d];
        dot += product;
        magnitude += Math.abs(product);
        keys += Math.abs(key[d]);
      }
      double rounded = spec.type() == KvType.INT8 ? keys * largestQuery / 32767 * 0.51 : 0;
      double x = dot * spec.scale();
      error[j] = spec.scale() * (Tolerance.dot(headDim + 4, magnitude) + rounded);
      if (spec.softCap() != 0) {
        x = spec.softCap() * Math.tanh(x / spec.softCap());
        error[j] += spec.softCap() * Tolerance.gamma(12);
      }
      score[j] = x;
      max = Math.max(max, x);
    }
    double sum = 0;
    double total = 0;
    for (int j = 0; j < count; j++) {
      sum += Math.exp(score[j] - max);
    }
    for (int j = 0; j < count; j++) {
      double argument = error[j] + Tolerance.gamma(6) * (max - score[j]) * 1.01;
      double e = Math.expm1(argument) + Tolerance.gamma(8);
      // What underflows is off by all of itself.
      error[j] = Math.exp(score[j] - max) / sum * (score[j] - max < -86 ? 1 : e);
      total += error[j];
    }
    double[] out = new double[headDim];
    double[] bound = new double[headDim];
    double[][] values = new double[count][];
    for (int j = 0; j < count; j++) {
      values[j] = kept(value(first + j, kvHead));
    }
    for (int d = 0; d < headDim; d++) {
      double weight = 0;
      for (int j = 0; j < count; j++) {
        double p = Math.exp(score[j] - max) / sum;
        out[d] += p * values[j][d];
        weight += p * Math.abs(values[j][d]);
      }
      double moved = 0;
      for (int j = 0; j < count; j++) {
        moved += error[j] * Math.abs(values[j][d] - out[d]);
      }
      bound[d] =
          moved / (1 - total)
              + 1.01 * weight * Tolerance.gamma(2 * count + 8)
              + Tolerance.rounding(out[d]);
    }
    return new Expected(out, bound);
  }

  /** Fails where a row of results, f32 [heads * headDim] from that element, is not as expected. */
  public void assertRow(MemorySegment out, long from, int token, int head, Object where) {
    Expected expected = expected(token, head);
    double largest = 0;
    for (int d = 0; d < spec.headDim(); d++) {
      float found = out.getAtIndex(JAVA_FLOAT, from + (long) head * spec.headDim() + d);
      double distance = Math.abs(found - expected.out[d]);
      if (!(distance <= expected.bound[d])) {
        throw new AssertionError(
            String.format(
                "%s, token %d, head %d, element %d: expected %s +- %s, got %s",
                where, token, head, d, expected.out[d], expected.bound[d], found));
      }
      largest = Math.max(largest, expected.bound[d]);
    }
    Tolerance.assertTelling(largest, 1 / Math.sqrt(token + 1), where); // values have deviation 1
  }
}
