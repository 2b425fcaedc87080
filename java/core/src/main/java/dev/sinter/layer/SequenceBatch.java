package dev.sinter.layer;

import java.util.Arrays;

/**
 * How the rows of a pass divide into sequences: one after another, without padding. Refilled for
 * each pass; not thread-safe while it is refilled.
 */
public final class SequenceBatch {
  private final int maxRows;
  private int[] starts = new int[17];
  private int count;

  /**
   * @param maxRows rows that the buffers of the pass can hold
   */
  public SequenceBatch(int maxRows) {
    this.maxRows = maxRows;
  }

  public void clear() {
    count = 0;
  }

  /** Whether a sequence of this length still fits. */
  public boolean fits(int length) {
    return rows() + length <= maxRows;
  }

  /**
   * Appends a sequence.
   *
   * @throws IllegalArgumentException if it is empty or does not fit
   */
  public void add(int length) {
    if (length < 1 || !fits(length)) {
      throw new IllegalArgumentException(
          "a sequence of " + length + " rows after " + rows() + " of at most " + maxRows);
    }
    if (count + 2 > starts.length) {
      starts = Arrays.copyOf(starts, 2 * starts.length);
    }
    starts[count + 1] = starts[count] + length;
    count++;
  }

  /** Number of sequences. */
  public int count() {
    return count;
  }

  /** First row of a sequence. */
  public int start(int sequence) {
    return starts[sequence];
  }

  public int length(int sequence) {
    return starts[sequence + 1] - starts[sequence];
  }

  /** Rows in all. */
  public int rows() {
    return starts[count];
  }

  public int maxRows() {
    return maxRows;
  }
}
