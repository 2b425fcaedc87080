package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;

/** The rows of one scheme on one backend of ours: check, then time. */
final class LinearSeries {
  private static final long WARM_UP_NANOS = 1_500_000_000L;

  private LinearSeries() {}

  static void run(Job job, Results results) {
    long warmUp = WARM_UP_NANOS;
    for (Shape shape : job.shapes()) {
      if (job.outOfTime()) {
        results.add(new Refusal(job.subject(), shape.label(), "no time left", false));
        continue;
      }
      try (LayerData data = new LayerData(job.subject().asScheme(), shape)) {
        for (int threads : job.threads()) {
          run(job, data, threads, warmUp, results);
          warmUp = 0;
        }
      }
    }
  }

  private static void run(Job job, LayerData data, int threads, long warmUpNanos, Results results) {
    Subject subject = job.subject();
    Shape shape = data.shape();
    try (Sinter sinter = Sinter.open(new SinterOptions(threads, subject.backend(), null));
        LinearCase linear = new LinearCase(sinter, data)) {
      Explanation kernel = linear.explanation();
      job.timer().warmUp(warmUpNanos, () -> shape.rows().forEach(linear::forward));
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
