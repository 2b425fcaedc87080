package dev.sinter.bench;

import java.util.Arrays;

/**
 * Times calls one by one, after a warm-up of a third of the time.
 *
 * @param nanos time for a row, warm-up included
 * @param leastCalls calls that are timed even when that takes longer
 */
record RowTimer(long nanos, int leastCalls) {
  /**
   * Runs calls before the first row is timed, until the compiler has had time for what they all
   * share: interpreted, a kernel on the Vector API is a hundred times slower. Nothing if the rows
   * have no time either.
   */
  void warmUp(long atLeastNanos, Runnable calls) {
    long start = System.nanoTime();
    while (nanos > 0 && System.nanoTime() - start < atLeastNanos) {
      calls.run();
    }
  }

  /** Milliseconds of a call. */
  record Times(double median, double best) {}

  private static final int WARM_UP_SHARE = 3;
  private static final int FIRST_ROOM = 1024;

  /** One untimed call and one timed: for tests that a benchmark works, not how fast. */
  static RowTimer once() {
    return new RowTimer(0, 1);
  }

  Times time(Runnable call) {
    long start = System.nanoTime();
    do {
      call.run();
    } while (System.nanoTime() - start < nanos / WARM_UP_SHARE);
    long[] samples = new long[FIRST_ROOM];
    int count = 0;
    long after = start;
    while (count < leastCalls || after - start < nanos) {
      if (count == samples.length) {
        samples = Arrays.copyOf(samples, 2 * count);
      }
      long before = System.nanoTime();
      call.run();
      after = System.nanoTime();
      samples[count++] = after - before;
    }
    Arrays.sort(samples, 0, count);
    double median = (samples[(count - 1) / 2] + samples[count / 2]) / 2.0;
    return new Times(median / 1e6, samples[0] / 1e6);
  }
}
