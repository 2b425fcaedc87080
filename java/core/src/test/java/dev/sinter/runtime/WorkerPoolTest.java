package dev.sinter.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.runtime.WorkerPool.Region;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerPoolTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void everyTileRunsOnceAndOperationsDoNotOverlap(int threads) {
    int tiles = 13;
    int operations = 500;
    AtomicIntegerArray runs = new AtomicIntegerArray(tiles * operations);
    AtomicInteger early = new AtomicInteger();
    assertTimeoutPreemptively(
        LIMIT,
        () -> {
          try (WorkerPool pool = new WorkerPool("test", threads)) {
            pool.run(
                w -> {
                  for (int op = 0; op < operations; op++) {
                    int current = op;
                    w.forEachTile(
                        tiles,
                        (worker, tile) -> {
                          runs.incrementAndGet(current * tiles + tile);
                          for (int t = 0; current > 0 && t < tiles; t++) {
                            if (runs.get((current - 1) * tiles + t) != 1) {
                              early.incrementAndGet();
                            }
                          }
                        });
                  }
                });
          }
        });
    for (int i = 0; i < runs.length(); i++) {
      assertEquals(1, runs.get(i), "tile " + i);
    }
    assertEquals(0, early.get(), "tiles that ran before the previous operation was done");
  }

  @Test
  void parkedWorkersWakeForTheNextRegion() {
    assertTimeoutPreemptively(
        LIMIT,
        () -> {
          try (WorkerPool pool = new WorkerPool("test", 2)) {
            AtomicInteger count = new AtomicInteger();
            for (int i = 0; i < 20; i++) {
              Thread.sleep(3); // far beyond the spin
              pool.run(
                  w -> {
                    count.incrementAndGet();
                    w.barrier();
                  });
            }
            assertEquals(40, count.get());
          }
        });
  }

  @Test
  void aWorkersExceptionReachesTheCallerAndThePoolLivesOn() {
    assertTimeoutPreemptively(
        LIMIT,
        () -> {
          try (WorkerPool pool = new WorkerPool("test", 3)) {
            for (int round = 0; round < 50; round++) {
              IllegalArgumentException thrown = new IllegalArgumentException("tile 5");
              assertSame(
                  thrown,
                  assertThrows(
                      IllegalArgumentException.class,
                      () ->
                          pool.run(
                              w -> {
                                w.forEachTile(
                                    8,
                                    (worker, tile) -> {
                                      if (tile == 5) {
                                        throw thrown;
                                      }
                                    });
                                w.barrier();
                              })));
              AtomicInteger tiles = new AtomicInteger();
              pool.run(w -> w.forEachTile(100, (worker, tile) -> tiles.incrementAndGet()));
              assertEquals(100, tiles.get());
            }
          }
        });
  }

  @Test
  void regionsOfManyCallersRunOneAtATime() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger overlaps = new AtomicInteger();
    AtomicInteger regions = new AtomicInteger();
    try (WorkerPool pool = new WorkerPool("test", 2);
        var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> done = new ArrayList<>();
      for (int c = 0; c < 16; c++) {
        done.add(
            callers.submit(
                () -> {
                  for (int i = 0; i < 50; i++) {
                    pool.run(
                        w -> {
                          if (w.index() == 0 && inside.incrementAndGet() != 1) {
                            overlaps.incrementAndGet();
                          }
                          w.barrier();
                          if (w.index() == 0) {
                            inside.decrementAndGet();
                            regions.incrementAndGet();
                          }
                        });
                  }
                }));
      }
      for (Future<?> f : done) {
        f.get();
      }
    }
    assertEquals(800, regions.get());
    assertEquals(0, overlaps.get());
  }

  @Test
  void closeJoinsAndLaterUseIsRefused() {
    WorkerPool pool = new WorkerPool("test-close", 2);
    pool.run(w -> {});
    pool.close();
    pool.close();
    assertFalse(
        Thread.getAllStackTraces().keySet().stream()
            .anyMatch(t -> t.getName().startsWith("test-close")));
    assertThrows(IllegalStateException.class, () -> pool.run(w -> {}));
  }

  @Test
  void aPlatformThreadWorksItselfAndAVirtualOneIsStoodInFor() throws Exception {
    try (WorkerPool pool = new WorkerPool("test", 2)) {
      Thread[] workers = new Thread[2];
      pool.run(w -> workers[w.index()] = Thread.currentThread());
      assertSame(Thread.currentThread(), workers[0]);
      assertEquals("test-1", workers[1].getName());

      Thread virtual =
          Thread.ofVirtual()
              .start(() -> pool.run(w -> workers[w.index()] = Thread.currentThread()));
      virtual.join();
      assertEquals("test-0", workers[0].getName());
      assertFalse(workers[0].isVirtual());
      assertEquals("test-1", workers[1].getName());
    }
  }

  @Test
  void anInterruptStaysPendingAndDisturbsNothing() throws Exception {
    try (WorkerPool pool = new WorkerPool("test", 2)) {
      AtomicInteger runs = new AtomicInteger();
      Region slowOther =
          w -> {
            if (w.index() == 1) {
              sleep(5); // beyond the spin, so that the caller parks
            }
            w.barrier();
            runs.incrementAndGet();
          };
      Thread.currentThread().interrupt();
      pool.run(slowOther);
      assertTrue(Thread.interrupted());

      AtomicInteger pending = new AtomicInteger();
      Thread virtual =
          Thread.ofVirtual()
              .start(
                  () -> {
                    Thread.currentThread().interrupt();
                    pool.run(slowOther);
                    pending.set(Thread.interrupted() ? 1 : 0);
                  });
      virtual.join();
      assertEquals(1, pending.get());
      assertEquals(4, runs.get());
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRegionInsideARegionIsRefused() {
    try (WorkerPool pool = new WorkerPool("test", 2)) {
      assertThrows(IllegalStateException.class, () -> pool.run(w -> pool.run(inner -> {})));
    }
  }

  @Test
  void anIdlePoolBurnsNoCpu() throws Exception {
    var threads = ManagementFactory.getThreadMXBean();
    try (WorkerPool pool = new WorkerPool("test-idle", 3)) {
      pool.run(w -> {});
      Thread.sleep(50);
      long[] ids =
          Thread.getAllStackTraces().keySet().stream()
              .filter(t -> t.getName().startsWith("test-idle"))
              .mapToLong(Thread::threadId)
              .toArray();
      assertEquals(2, ids.length);
      long before = 0;
      long after = 0;
      for (long id : ids) {
        before += threads.getThreadCpuTime(id);
      }
      Thread.sleep(300);
      for (long id : ids) {
        after += threads.getThreadCpuTime(id);
      }
      assertTrue(after - before < 20_000_000, "idle workers used " + (after - before) + " ns");
    }
  }
}
