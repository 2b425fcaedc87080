package dev.sinter.bench;

import dev.sinter.cli.Json;
import dev.sinter.models.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;

/**
 * Runs benchmarks in forks of JMH and collects what they find.
 *
 * @param folder for the files that are exchanged and JMH's own output
 * @param forks 1, or 0 to call everything once and in this process, for tests
 */
record Forks(Path folder, int forks) {
  private static final long POLL_MILLIS = 200;

  Forks {
    // Its lock is one for the whole machine and would fail, not wait.
    System.setProperty("jmh.ignoreLock", "true");
  }

  Results results() {
    return new Results(folder.resolve("results.jsonl"));
  }

  /** Where JMH says what it did. */
  Path log(String name) {
    return folder.resolve(name + ".log");
  }

  /** Runs a job; what it finds is in {@link #results}, a crash of the fork among it. */
  void run(Job job, String name, Progress progress, long done, long total) {
    Path file = folder.resolve(name + ".json");
    try {
      Json.MAPPER.writeValue(file.toFile(), job);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ChainedOptionsBuilder options =
        options(SeriesBench.class, name)
            .param("job", file.toString())
            .param("results", folder.resolve("results.jsonl").toString());
    long before = results().rowCount();
    Runnable show =
        () -> {
          long rows = results().rowCount() - before;
          progress.step(job.subject().label(), done + rows, total);
        };
    try (ScheduledExecutorService watcher = Executors.newSingleThreadScheduledExecutor()) {
      watcher.scheduleWithFixedDelay(show, 0, POLL_MILLIS, TimeUnit.MILLISECONDS);
      run(options, name, job.subject());
    }
  }

  /** {@link LinearBench} for every combination of the parameters that are not fixed. */
  void full(Subject subject, List<Integer> threads, Shape shape, String name) {
    Path file = folder.resolve(name + ".jsonl");
    ChainedOptionsBuilder options =
        options(LinearBench.class, name)
            .param("scheme", subject.asScheme().id())
            .param("format", subject.format())
            .param("sparsity", String.valueOf(subject.sparsity() == null ? 0 : subject.sparsity()))
            .param("backend", subject.backend())
            .param("shape", shape.label())
            .param("results", file.toString())
            .param("threads", threads.stream().map(String::valueOf).toArray(String[]::new))
            .param("m", shape.rows().stream().map(String::valueOf).toArray(String[]::new));
    Collection<RunResult> runs = run(options, name, subject);
    int expected = threads.size() * shape.rows().size();
    if (!runs.isEmpty() && runs.size() < expected) {
      String reason = expected - runs.size() + " of " + expected + " rows failed" + reason(name);
      results().add(new Refusal(subject, shape.label(), reason, true));
    }
    List<Measurement> known = new Results(file).rows();
    for (RunResult run : runs) {
      int m = Integer.parseInt(run.getParams().getParam("m"));
      int workers = Integer.parseInt(run.getParams().getParam("threads"));
      Statistics millis = run.getPrimaryResult().getStatistics();
      known.stream()
          .filter(r -> r.m() == m && r.threads() == workers)
          .findFirst()
          .ifPresent(
              r -> results().add(r.timed(millis.getPercentile(50), millis.getPercentile(0))));
    }
  }

  private ChainedOptionsBuilder options(Class<?> benchmark, String name) {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
            .forks(forks)
            .verbosity(VerboseMode.NORMAL)
            .output(log(name).toString());
    return forks > 0
        ? options
        : options
            .warmupIterations(0)
            .measurementIterations(1)
            .measurementTime(TimeValue.milliseconds(1));
  }

  private Collection<RunResult> run(ChainedOptionsBuilder options, String name, Subject subject) {
    String failure = "no result";
    try {
      Collection<RunResult> runs = new Runner(options.build()).run();
      if (!runs.isEmpty()) {
        return runs;
      }
    } catch (RunnerException e) {
      failure = e.getMessage();
    }
    results().add(new Refusal(subject, "the benchmark's process", failure + reason(name), true));
    return List.of();
  }

  /** What JMH's output says of the exception that ended the fork. */
  private String reason(String name) {
    try {
      return Files.readAllLines(log(name)).stream()
          .filter(l -> l.contains("Exception: ") || l.contains("Error: "))
          .findFirst()
          .map(l -> ": " + l.strip())
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }
}
