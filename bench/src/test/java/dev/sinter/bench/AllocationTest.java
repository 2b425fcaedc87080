package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The steady path allocates nothing: less than a byte a call by JMH's {@code -prof gc}. */
class AllocationTest {
  private static final String NORM = "gc.alloc.rate.norm";

  @Test
  void forwardAllocatesNothing() throws RunnerException {
    check("cpu", "f32", "w8a8");
    check("onednn", "f32"); // its w8a8 needs VNNI
  }

  private static void check(String backend, String... schemes) throws RunnerException {
    System.setProperty("jmh.ignoreLock", "true");
    Collection<RunResult> runs =
        new Runner(
                new OptionsBuilder()
                    .include("^" + LinearBench.class.getName().replace(".", "\\.") + "\\.")
                    .param("backend", backend)
                    .param("scheme", schemes)
                    .param("threads", "1")
                    .param("shape", "64x96")
                    .param("m", "8")
                    .mode(Mode.AverageTime) // sampling fills a buffer
                    .forks(1)
                    .warmupIterations(2)
                    .warmupTime(TimeValue.seconds(2))
                    .measurementIterations(2)
                    // JMH itself leaves some 20 KB an iteration: enough calls to divide them by
                    .measurementTime(TimeValue.seconds(3))
                    .addProfiler(GCProfiler.class)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    assertEquals(schemes.length, runs.size());
    for (RunResult run : runs) {
      double bytes = run.getSecondaryResults().get(NORM).getScore();
      assertTrue(
          bytes < 1,
          () ->
              backend
                  + " "
                  + run.getParams().getParam("scheme")
                  + " allocates "
                  + bytes
                  + " a call");
    }
  }
}
