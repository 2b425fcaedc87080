package dev.sinter.bench;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

/**
 * Times calls one by one, after a warm-up of a third of the time, or more while the JIT compiler is
 * at work.
 *
 * @param nanos time for a row, warm-up included unless that takes longer
 * @param leastCalls calls that are timed even when that takes longer
 */
record RowTimer(long nanos, int leastCalls) {
  /**
   * Runs calls before rows are timed, until the JIT compiler has nothing left to do for what they
   * all share. Interpreted, a kernel on the Vector API is a hundred times slower; and where all
   * cores are workers, a compiler at work takes one of them away, so that two threads are as slow
   * as one. Nothing if the rows have no time either.
   */
  void warmUp(long atMostNanos, Runnable calls) {
    if (nanos > 0) {
      callUntilCompiled(0, atMostNanos, calls);
    }
  }

  private static void callUntilCompiled(long atLeastNanos, long atMostNanos, Runnable call) {
    long start = System.nanoTime();
    long now = start;
    long busy = start;
    long compiled = -1;
    do {
      call.run();
      now = System.nanoTime();
      long total = COMPILER.getTotalCompilationTime();
      if (total != compiled) {
        compiled = total;
        busy = now;
      }
    } while (now - start < atLeastNanos || now - start < atMostNanos && now - busy < QUIET_NANOS);
  }

  /** Milliseconds of a call. */
  record Times(double median, double best) {}

  // A method counts once it is compiled, and the longest take a good part of this.
  private static final long QUIET_NANOS = 150_000_000;
  private static final CompilationMXBean COMPILER = ManagementFactory.getCompilationMXBean();

  private static final long MOST_EXTRA_NANOS = 2 * QUIET_NANOS;
  private static final int WARM_UP_SHARE = 3;
  private static final int FIRST_ROOM = 1024;

  /** One untimed call and one timed: for tests that a benchmark works, not how fast. */
  static RowTimer once() {
    return new RowTimer(0, 1);
  }

  Times time(Runnable call) {
    callUntilCompiled(nanos / WARM_UP_SHARE, nanos == 0 ? 0 : nanos + MOST_EXTRA_NANOS, call);
    long timed = nanos - nanos / WARM_UP_SHARE;
    long[] samples = new long[FIRST_ROOM];
    int count = 0;
    long start = System.nanoTime();
    long after = start;
    while (count < leastCalls || after - start < timed) {
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
