package dev.sinter;

import dev.sinter.backend.LimitsProbe;
import dev.sinter.backend.LimitsProbe.Type;
import dev.sinter.backend.cpu.LimitsNative;
import dev.sinter.backend.vector.LimitsVector;
import dev.sinter.runtime.CpuCaches;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What the machine can do at most with a number of threads, as measured: what a kernel's figures
 * are to be compared with. A figure is null where there is no code to measure it or no such cache;
 * all count for the threads together.
 *
 * @param threads workers that ran at once
 * @param dramGbs memory read in 10^9 bytes a second, past the last-level cache
 * @param l2Gbs reads that hit the second-level cache, in 10^9 bytes a second
 * @param l3Gbs reads that hit the third-level cache, in 10^9 bytes a second
 * @param f32PeakGflops f32 fused multiply-adds in 10^9 operations a second, two each
 * @param bf16PeakGflops products of bf16 added up in f32, likewise
 * @param int8PeakGops products of int8 added up in int32, likewise
 * @param forkJoinMicros microseconds from giving the workers something to do to hearing that all
 *     are done, one time after another; on one thread what the bookkeeping takes
 */
public record MachineLimits(
    int threads,
    Double dramGbs,
    Double l2Gbs,
    Double l3Gbs,
    Double f32PeakGflops,
    Double bf16PeakGflops,
    Double int8PeakGops,
    double forkJoinMicros) {
  private static final long LEAST_DRAM_BYTES = 128L << 20;
  private static final long MOST_DRAM_BYTES = 1L << 30;

  // A pass of the pool: long enough that waking it up does not count, short enough that the best of
  // several meets a moment when nothing else runs.
  private static final double PASS_SECONDS = 4e-3;
  private static final int LEAST_PASSES = 5;

  // Empty passes timed together, since one is near the clock's resolution.
  private static final int FORKS = 64;

  /**
   * Measures on a pool of {@code threads} workers of its own. The best pass counts, since a limit
   * is what the machine can do when nothing disturbs it. Takes seven times {@code each}, and before
   * that up to a second to fill memory; needs four times the last-level cache of memory.
   *
   * @param threads at least 1
   * @param each time to spend on a figure
   */
  public static MachineLimits measure(int threads, Duration each) {
    Optional<LimitsProbe> found = LimitsNative.find().or(LimitsVector::find);
    try (WorkerPool pool = new WorkerPool("sinter-limits", threads)) {
      double forkJoin = forkJoinMicros(pool, each.toNanos());
      if (found.isEmpty()) {
        return new MachineLimits(threads, null, null, null, null, null, null, forkJoin);
      }
      Meter meter = new Meter(pool, found.get(), each.toNanos());
      return new MachineLimits(
          threads,
          meter.dram(),
          meter.cache(CpuCaches.host().l2() / 2),
          thirdLevel(meter, CpuCaches.host()),
          meter.peak(Type.F32),
          meter.peak(Type.BF16),
          meter.peak(Type.INT8),
          forkJoin);
    }
  }

  private static double forkJoinMicros(WorkerPool pool, long nanos) {
    WorkerPool.Region nothing = worker -> {};
    long best = Long.MAX_VALUE;
    long start = System.nanoTime();
    long now = start;
    while (now - start < nanos) {
      long before = now;
      for (int i = 0; i < FORKS; i++) {
        pool.run(nothing);
      }
      now = System.nanoTime();
      best = Math.min(best, now - before);
    }
    return best / 1e3 / FORKS;
  }

  /** Figure by figure the better one: two measurements at different times, less disturbed. */
  public MachineLimits max(MachineLimits other) {
    if (threads != other.threads) {
      throw new IllegalArgumentException(
          "limits of " + threads + " and of " + other.threads + " threads");
    }
    return new MachineLimits(
        threads,
        max(dramGbs, other.dramGbs),
        max(l2Gbs, other.l2Gbs),
        max(l3Gbs, other.l3Gbs),
        max(f32PeakGflops, other.f32PeakGflops),
        max(bf16PeakGflops, other.bf16PeakGflops),
        max(int8PeakGops, other.int8PeakGops),
        Math.min(forkJoinMicros, other.forkJoinMicros));
  }

  private static Double max(Double a, Double b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return Math.max(a, b);
  }

  /** A quarter of the cache for all threads that share it, if that is more than their second. */
  private static Double thirdLevel(Meter meter, CpuCaches caches) {
    long each = caches.last() / 4 / Math.min(meter.pool.threads(), caches.sharing());
    return each >= 2 * caches.l2() ? meter.cache(each) : null;
  }

  /** Takes the time of passes of the pool. */
  private record Meter(WorkerPool pool, LimitsProbe probe, long nanos) {
    /** Work of all threads in one pass; returns how much was done. */
    private interface Pass {
      long run(int worker, long repeats);
    }

    /** Each thread reads a part of its own, over and over; none of it is in a cache by then. */
    Double dram() {
      long bytes =
          Math.clamp(4 * CpuCaches.host().last(), LEAST_DRAM_BYTES, MOST_DRAM_BYTES)
              / pool.threads();
      return reads(bytes, false);
    }

    Double cache(long bytes) {
      return reads(bytes, true);
    }

    private Double reads(long bytesOfEach, boolean repeated) {
      long bytes = bytesOfEach / LimitsProbe.BLOCK * LimitsProbe.BLOCK;
      try (Arena arena = Arena.ofShared()) {
        MemorySegment all = LargeMemory.allocate(arena, bytes * pool.threads());
        MemorySegment[] parts =
            IntStream.range(0, pool.threads())
                .mapToObj(w -> all.asSlice(w * bytes, bytes))
                .toArray(MemorySegment[]::new);
        // Memory that was never written is one page of zeros. Its writer is its reader, so that it
        // lies near.
        pool.run(w -> parts[w.index()].fill((byte) 1));
        Pass pass =
            (worker, repeats) -> {
              probe.read(parts[worker], repeats);
              return bytes * repeats;
            };
        return best(pass, Long.MAX_VALUE, repeated);
      }
    }

    Double peak(Type type) {
      return probe.multiplier(type) == null
          ? null
          : best(
              (worker, repeats) -> probe.multiply(type, repeats), LimitsProbe.MAX_ITERATIONS, true);
    }

    /** The most that was done in a nanosecond, that is 10^9 a second. */
    private double best(Pass pass, long mostRepeats, boolean repeated) {
      long[] done = new long[pool.threads()];
      long repeats = 1;
      double best = 0;
      int passes = 0;
      long start = System.nanoTime();
      while (passes < LEAST_PASSES || System.nanoTime() - start < nanos) {
        long count = repeats;
        long before = System.nanoTime();
        pool.run(w -> done[w.index()] = pass.run(w.index(), count));
        double took = System.nanoTime() - before;
        best = Math.max(best, IntStream.range(0, done.length).mapToLong(w -> done[w]).sum() / took);
        if (repeated && took < PASS_SECONDS * 1e9 && repeats < mostRepeats) {
          repeats = Math.min(2 * repeats, mostRepeats);
        } else {
          passes++;
        }
      }
      return best;
    }
  }
}
