package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;

/** The rows of one scheme on one backend of ours: check, then time. */
final class LinearSeries {
  private static final long WARM_UP_NANOS = 1_500_000_000L;

  // Interpreted, a call of a kernel on the Vector API takes over a second for a large layer; a
  // small
  // one is called often enough to be compiled in the time.
  private static final int WARM_UP_SIDE = 512;

  private LinearSeries() {}

  static void run(Job job, Results results) {
    warmUp(job);
    for (Shape shape : job.shapes()) {
      if (job.outOfTime()) {
        results.add(new Refusal(job.subject(), shape.label(), "no time left", false));
        continue;
      }
      try (LayerData data = new LayerData(job.subject().asScheme(), shape)) {
        for (int threads : job.threads()) {
          run(job, data, threads, results);
        }
      }
    }
  }

  private static void warmUp(Job job) {
    Shape small = new Shape(WARM_UP_SIDE, WARM_UP_SIDE, job.shapes().getFirst().rows());
    Subject subject = job.subject();
    int threads = job.threads().getFirst();
    try (LayerData data = new LayerData(subject.asScheme(), small);
        Sinter sinter = Sinter.open(new SinterOptions(threads, subject.backend(), null));
        LinearCase linear = new LinearCase(sinter, data)) {
      job.timer().warmUp(WARM_UP_NANOS, () -> small.rows().forEach(linear::forward));
    } catch (IllegalStateException e) {
      // Refused: so are the rows, which say why.
    }
  }

  private static void run(Job job, LayerData data, int threads, Results results) {
    Subject subject = job.subject();
    Shape shape = data.shape();
    try (Sinter sinter = Sinter.open(new SinterOptions(threads, subject.backend(), null));
        LinearCase linear = new LinearCase(sinter, data)) {
      Explanation kernel = linear.explanation();
      for (int m : shape.rows()) {
        String wrong = linear.disagreement(m);
        if (wrong != null) {
          String reason = kernel.implementation() + " is wrong at M=" + m + ", " + wrong;
          results.add(new Refusal(subject, shape.label(threads), reason, true));
        } else if (job.outOfTime()) {
          String row = shape.label(threads) + ", M=" + m;
          results.add(new Refusal(subject, row, "no time left", false));
        } else {
          results.add(
              Measurement.linear(
                  subject,
                  kernel.isa(),
                  kernel.implementation(),
                  shape,
                  m,
                  threads,
                  job.timer().time(() -> linear.forward(m)),
                  linear.weightBytes()));
        }
      }
    } catch (IllegalStateException | IllegalArgumentException e) {
      results.add(new Refusal(subject, shape.label(threads), e.getMessage(), false));
    }
  }
}
