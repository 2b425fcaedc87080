package dev.sinter.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Times tasks against each other: after a warm-up they take turns in short slices, so that a change
 * of the machine's speed meets all of them, and each one's median pass is given.
 */
final class Stopwatch {
  private static final long WARM_UP_NANOS = 500_000_000L;
  private static final long SLICE_NANOS = 100_000_000L;
  private static final long BUDGET_NANOS = 2_000_000_000L;
  private static final int LEAST_PASSES = 3;

  private final LongSupplier clock;

  /**
   * @param clock nanoseconds
   */
  Stopwatch(LongSupplier clock) {
    this.clock = clock;
  }

  /**
   * The median duration of a pass of each task, in nanoseconds: over two seconds and at least three
   * passes each. A task whose first pass takes longer than the two seconds is not run again.
   */
  double[] medians(List<Runnable> tasks) {
    List<Timing> timings = tasks.stream().map(Timing::new).toList();
    for (Timing t : timings) {
      t.warmUp();
    }
    while (timings.stream().anyMatch(t -> !t.enough())) {
      for (Timing t : timings) {
        t.slice();
      }
    }
    return timings.stream().mapToDouble(Timing::median).toArray();
  }

  private final class Timing {
    private final Runnable task;
    private final List<Long> passes = new ArrayList<>();
    private long total;

    Timing(Runnable task) {
      this.task = task;
    }

    void warmUp() {
      long spent = 0;
      while (spent < WARM_UP_NANOS) {
        long pass = pass();
        if (pass > BUDGET_NANOS) {
          record(pass);
          return;
        }
        spent += pass;
      }
    }

    void slice() {
      long end = total + SLICE_NANOS;
      while (!enough() && total < end) {
        record(pass());
      }
    }

    boolean enough() {
      return total >= BUDGET_NANOS
          && (passes.size() >= LEAST_PASSES || passes.getFirst() > BUDGET_NANOS);
    }

    double median() {
      List<Long> sorted = passes.stream().sorted().toList();
      int middle = sorted.size() / 2;
      return sorted.size() % 2 == 1
          ? sorted.get(middle)
          : (sorted.get(middle - 1) + sorted.get(middle)) / 2.0;
    }

    private long pass() {
      long start = clock.getAsLong();
      task.run();
      return clock.getAsLong() - start;
    }

    private void record(long pass) {
      passes.add(pass);
      total += pass;
    }
  }
}
