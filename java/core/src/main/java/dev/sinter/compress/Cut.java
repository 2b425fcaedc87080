package dev.sinter.compress;

import java.util.List;

/**
 * Separates the lowest of many scores from the others, exactly as many as asked for: of equal ones
 * those stay that come first. Two passes count the upper and the lower halves of the scores' bits,
 * so that no more than 2^16 counters are kept, however many scores there are.
 *
 * <p>Used once: {@link #drops} is asked about all scores in the order they were read in.
 */
final class Cut {
  /** Scores that are read by row: finite, not negative. */
  interface Scores {
    int rows();

    int columns();

    /** Writes a row to {@code out[0, columns)}. */
    void read(int row, float[] out);
  }

  private static final int LOWER_BITS = 15;
  private static final int UPPER_BITS = 16; // the sign is always 0

  private final int limit; // bits of the score that parts them
  private long equalsToKeep;

  private Cut(int limit, long equalsToKeep) {
    this.limit = limit;
    this.equalsToKeep = equalsToKeep;
  }

  /**
   * @param count how many to drop, from 0 to the number of scores
   */
  static Cut lowest(List<? extends Scores> all, long count) {
    long[] upper = count(all, -1);
    int high = 0;
    long below = 0;
    while (high < upper.length && below + upper[high] <= count) {
      below += upper[high++];
    }
    if (high == upper.length) {
      return new Cut(Integer.MAX_VALUE, 0); // above every score: all are dropped
    }
    long[] lower = count(all, high);
    int low = 0;
    while (below + lower[low] <= count) {
      below += lower[low++];
    }
    return new Cut(high << LOWER_BITS | low, lower[low] - (count - below));
  }

  /** How often the upper bits come, or the lower ones of scores whose upper bits are these. */
  private static long[] count(List<? extends Scores> all, int high) {
    long[] counts = new long[1 << (high < 0 ? UPPER_BITS : LOWER_BITS)];
    for (Scores scores : all) {
      float[] row = new float[scores.columns()];
      for (int r = 0; r < scores.rows(); r++) {
        scores.read(r, row);
        for (float score : row) {
          int bits = Float.floatToRawIntBits(score);
          if (high < 0) {
            counts[bits >>> LOWER_BITS]++;
          } else if (bits >>> LOWER_BITS == high) {
            counts[bits & (1 << LOWER_BITS) - 1]++;
          }
        }
      }
    }
    return counts;
  }

  /** Whether the next score is among the lowest. */
  boolean drops(float score) {
    int bits = Float.floatToRawIntBits(score);
    return bits == limit ? --equalsToKeep < 0 : bits < limit;
  }
}
