package dev.sinter.backend;

import java.util.Locale;

/**
 * How many bytes all layers together may take to hold sparse weights a second time, packed as such
 * besides dense. Thread-safe.
 */
public final class PackingBudget {
  private final long limit;
  private long taken;

  /**
   * @param limit bytes, at least 0
   */
  public PackingBudget(long limit) {
    this.limit = limit;
  }

  /**
   * Takes bytes if they are there.
   *
   * @return null if they were; else why not, and nothing was taken
   */
  public synchronized String take(long bytes) {
    if (bytes > limit - taken) {
      return String.format(
          Locale.ROOT,
          "%,d bytes more, and of sinter.secondPackingBytes, %,d, there are %,d left",
          bytes,
          limit,
          limit - taken);
    }
    taken += bytes;
    return null;
  }

  /** Returns bytes that were taken. */
  public synchronized void giveBack(long bytes) {
    taken -= bytes;
  }
}
