package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/**
 * Rotary position embedding (Su et al., "RoFormer", 2021) of queries and keys. A pair is elements i
 * and {@code i + rotaryDim / 2} of a head, as in Hugging Face's Llama; elements from rotaryDim on
 * stay as they are. Thread-safe.
 */
public final class Rope {
  private final int heads;
  private final int kvHeads;
  private final int headDim;
  private final int pairs;
  private final int maxPositions;
  private final float[] cos; // [maxPositions][pairs]
  private final float[] sin;

  private Rope(int heads, int kvHeads, int headDim, int pairs, int maxPositions) {
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.pairs = pairs;
    this.maxPositions = maxPositions;
    cos = new float[Math.multiplyExact(maxPositions, pairs)];
    sin = new float[cos.length];
  }

  /**
   * Computes the tables: angles in float64, cosines and sines rounded to f32.
   *
   * @param heads query heads
   * @param kvHeads heads of keys and values
   * @param headDim elements of a head
   * @param inverseFrequencies radians from one position to the next, one for each of the rotaryDim
   *     / 2 pairs
   * @param factor of cosines and sines (YaRN's attention factor); 1 if there is none
   * @param maxPositions positions 0 to maxPositions - 1 can be rotated to
   */
  public static Rope of(
      int heads,
      int kvHeads,
      int headDim,
      double[] inverseFrequencies,
      float factor,
      int maxPositions) {
    int pairs = inverseFrequencies.length;
    if (heads < 1 || kvHeads < 1 || maxPositions < 1) {
      throw new IllegalArgumentException(
          "heads, kvHeads and maxPositions must be at least 1, got "
              + heads
              + ", "
              + kvHeads
              + ", "
              + maxPositions);
    }
    if (pairs < 1 || 2 * pairs > headDim) {
      throw new IllegalArgumentException(
          pairs + " inverseFrequencies, heads of " + headDim + " have 1 to " + headDim / 2);
    }
    Rope rope = new Rope(heads, kvHeads, headDim, pairs, maxPositions);
    for (int position = 0; position < maxPositions; position++) {
      for (int i = 0; i < pairs; i++) {
        double angle = position * inverseFrequencies[i];
        rope.cos[position * pairs + i] = (float) (Math.cos(angle) * factor);
        rope.sin[position * pairs + i] = (float) (Math.sin(angle) * factor);
      }
    }
    return rope;
  }

  /**
   * Rotates queries and keys in place, each row by its position in the batch.
   *
   * @param qkv f32 [rows, (heads + 2 kvHeads) * headDim]
   */
  public RowOperation.Step step(MemorySegment qkv, KvBatch batch) {
    long width = (heads + 2L * kvHeads) * headDim;
    return (from, to) -> {
      for (int row = from; row < to; row++) {
        int position = batch.position(row);
        if (position >= maxPositions) {
          throw new IllegalArgumentException(
              "position " + position + " is beyond the " + maxPositions + " of this model");
        }
        for (int head = 0; head < heads + kvHeads; head++) {
          rotate(qkv, row * width + (long) head * headDim, position * pairs);
        }
      }
    };
  }

  private void rotate(MemorySegment qkv, long head, int table) {
    for (int i = 0; i < pairs; i++) {
      float x = qkv.getAtIndex(JAVA_FLOAT, head + i);
      float y = qkv.getAtIndex(JAVA_FLOAT, head + pairs + i);
      float c = cos[table + i];
      float s = sin[table + i];
      qkv.setAtIndex(JAVA_FLOAT, head + i, x * c - y * s);
      qkv.setAtIndex(JAVA_FLOAT, head + pairs + i, y * c + x * s);
    }
  }

  /** Positions that can be rotated to. */
  public int maxPositions() {
    return maxPositions;
  }

  /** Bytes of the tables. */
  public long bytes() {
    return 8L * cos.length;
  }
}
