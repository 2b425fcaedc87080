package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** With a clock that only the tasks move. */
class StopwatchTest {
  private static final long MILLI = 1_000_000;

  private long now;
  private final List<String> order = new ArrayList<>();

  private Runnable task(String name, long millis) {
    return () -> {
      now += millis * MILLI;
      order.add(name);
    };
  }

  private double[] medians(Runnable... tasks) {
    return new Stopwatch(() -> now).medians(List.of(tasks));
  }

  @Test
  void givesEachTaskItsMedian() {
    assertArrayEquals(new double[] {10 * MILLI, 25 * MILLI}, medians(task("a", 10), task("b", 25)));
  }

  @Test
  void outliersDoNotMove() {
    int[] passes = {0};
    Runnable jittery = () -> now += (++passes[0] % 10 == 0 ? 500 : 10) * MILLI;
    assertArrayEquals(new double[] {10 * MILLI}, medians(jittery));
  }

  @Test
  void tasksTakeTurnsAfterTheWarmUp() {
    medians(task("a", 50), task("b", 50));
    String turns = String.join("", order);
    assertTrue(turns.startsWith("a".repeat(10) + "b".repeat(10)), turns);
    assertEquals("aabb".repeat(20), turns.substring(20));
  }

  @Test
  void slowTaskGetsThreePasses() {
    medians(task("a", 1_500));
    assertEquals(1 + 3, order.size());
  }

  @Test
  void hopelesslySlowTaskRunsOnce() {
    assertArrayEquals(new double[] {5_000 * MILLI}, medians(task("a", 5_000)));
    assertEquals(1, order.size());
  }
}
