package dev.sinter.bench;

import dev.sinter.MachineLimits;
import dev.sinter.cli.ProgressDisplay;
import dev.sinter.cli.Terminal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One run of a suite: all jobs one after another, and the limits of the machine in between.
 *
 * @param shapes of linear layers; empty for whole models
 * @param full whether each row of ours gets a fork of its own
 * @param folder for what the forks exchange
 */
record Run(
    Terminal terminal,
    Suite suite,
    List<Integer> threads,
    List<Shape> shapes,
    boolean full,
    Path folder) {
  private static final Duration LIMIT_TIME = Duration.ofMillis(60);

  // What the decoder is measured with: a page or two of text, a paragraph behind it, and a
  // document.
  private static final String DECODER = "tinyllama-1.1b";
  private static final int PROMPT = 512;
  private static final int DECODED = 48;
  private static final int ATTENTION_CONTEXT = 4096;
  private static final int CONTEXT = 4352; // longer than any of them

  // Its weights in bf16; a peer's file beside them; and to run them, with what a process takes.
  private static final long DECODER_DISK = 3_000_000_000L;
  private static final long DECODER_MEMORY = 4_000_000_000L;

  private static final String COMMIT = System.getProperty("sinter.commit", "");

  Report execute(List<Peer> peers) throws IOException {
    if (suite != Suite.DECODER) {
      Plan plan = shapes.isEmpty() ? Plan.encoder(peers) : Plan.layers(suite, shapes, peers);
      return execute(plan, null);
    }
    try (DecoderFiles files = makeDecoder()) {
      DecoderLoad load =
          new DecoderLoad(files.folder().toString(), PROMPT, DECODED, ATTENTION_CONTEXT);
      return execute(Plan.decoder(peers), load);
    }
  }

  private DecoderFiles makeDecoder() throws IOException {
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "bench decoder", true)) {
      return DecoderFiles.make(DECODER, CONTEXT, DECODER_DISK, DECODER_MEMORY, progress);
    }
  }

  private Report execute(Plan plan, DecoderLoad load) {
    Forks forks = new Forks(folder, 1);
    List<MachineLimits> limits = measure(jobs(plan, load), forks);
    Map<Integer, MachineLimits> byThreads =
        limits.stream().collect(Collectors.toMap(MachineLimits::threads, Function.identity()));
    List<Row> rows =
        forks.results().rows().stream()
            .map(m -> new Row(suite.id(), m, byThreads.get(m.threads())))
            .toList();
    List<Refusal> refusals = new ArrayList<>(plan.refusals());
    refusals.addAll(forks.results().refusals());
    return new Report(
        limits, COMMIT.isEmpty() ? null : COMMIT, rows, forks.results().breakdowns(), refusals);
  }

  /**
   * Runs the jobs and returns the limits: other work disturbs at any time, so they are measured
   * before, between and after them, and the best of all is nearest to what the machine can do.
   */
  private List<MachineLimits> measure(List<Job> jobs, Forks forks) {
    List<MachineLimits> limits = limits();
    long total = jobs.stream().mapToLong(Job::rowCount).sum();
    long done = 0;
    try (ProgressDisplay progress = new ProgressDisplay(terminal, "bench " + suite.id(), true)) {
      for (int i = 0; i < jobs.size(); i++) {
        Job job = jobs.get(i);
        String name = i + "-" + job.subject().label().replaceAll("[^a-z0-9]+", "-");
        if (job.outOfTime()) {
          forks.results().add(new Refusal(job.subject(), "all rows", "no time left", false));
        } else if (full && job.subject().peer() == null && !shapes.isEmpty()) {
          for (Subject subject : job.subjects()) {
            for (Shape shape : shapes) {
              String zeros = subject.sparsity() == null ? "" : "-" + subject.sparsity();
              progress.step(subject.label() + zeros + " " + shape.label(), done, total);
              forks.full(subject, threads, shape, name + zeros + "-" + shape.label());
            }
          }
        } else {
          forks.run(job, name, progress, done, total);
        }
        done += job.rowCount();
        limits = max(limits, limits());
      }
    }
    return limits;
  }

  private static List<MachineLimits> max(List<MachineLimits> a, List<MachineLimits> b) {
    return IntStream.range(0, a.size()).mapToObj(i -> a.get(i).max(b.get(i))).toList();
  }

  private List<MachineLimits> limits() {
    return threads.stream().map(t -> MachineLimits.measure(t, LIMIT_TIME)).toList();
  }

  /** Ours run over all numbers of threads in one fork, peers need one for each. */
  private List<Job> jobs(Plan plan, DecoderLoad load) {
    List<Subject> ours = plan.subjects().stream().filter(s -> s.peer() == null).toList();
    List<Subject> theirs = plan.subjects().stream().filter(s -> s.peer() != null).toList();
    long budget = full ? Duration.ofDays(1000).toMillis() : suite.total().toMillis();
    long deadline = System.currentTimeMillis() + budget;
    List<Job> jobs = new ArrayList<>();
    int series = ours.stream().mapToInt(s -> Math.max(1, sparsities(s).size())).sum();
    long row = rowNanos(ours.size(), series * threads.size(), load, true);
    ours.forEach(
        s -> jobs.add(new Job(s, threads, shapes, sparsities(s), sizes(), load, row, deadline)));
    int count = theirs.size() * threads.size();
    long peerRow = rowNanos(count, count, load, false);
    long later = deadline + budget;
    for (Subject subject : theirs) {
      for (int t : threads) {
        jobs.add(new Job(subject, List.of(t), shapes, List.of(), sizes(), load, peerRow, later));
      }
    }
    return jobs;
  }

  private List<Double> sparsities(Subject subject) {
    return suite.sparsities(Format.sparsity(subject.format()));
  }

  private List<EncoderSize> sizes() {
    return suite == Suite.ENCODER ? EncoderSize.ALL : List.of();
  }

  private long rowNanos(int jobs, int series, DecoderLoad load, boolean ours) {
    return suite.row(jobs, series * Job.rows(shapes, sizes(), load, ours)).toNanos();
  }
}
