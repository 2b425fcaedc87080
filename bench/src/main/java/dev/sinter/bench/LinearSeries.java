package dev.sinter.bench;

import dev.sinter.Sinter;

/** The rows of one scheme on one backend of ours: check, then time. */
final class LinearSeries {
  private static final long WARM_UP_NANOS = 3_000_000_000L;

  // Interpreted, a call of a kernel on the Vector API takes over a second for a large layer; a
  // small
  // one is called often enough to be compiled in the time.
  private static final int WARM_UP_SIDE = 512;

  private LinearSeries() {}

  static void run(Job job, Results results) {
    warmUp(job);
    for (Subject subject : job.subjects()) {
      for (Shape shape : job.shapes()) {
        if (job.outOfTime()) {
          results.add(new Refusal(subject, shape.label(), "no time left", false));
          continue;
        }
        try (LayerData data = new LayerData(subject, shape)) {
          for (int threads : job.threads()) {
            run(job, subject, data, threads, results);
          }
        }
      }
    }
  }

  private static void warmUp(Job job) {
    Shape small = new Shape(WARM_UP_SIDE, WARM_UP_SIDE, job.shapes().getFirst().rows());
    Subject subject = job.subjects().getFirst();
    try (LayerData data = new LayerData(subject, small)) {
      for (int threads : job.threads()) {
        try (Sinter sinter = Sinter.open(subject.options(threads));
            LinearCase linear = new LinearCase(sinter, data)) {
          long most = WARM_UP_NANOS / job.threads().size();
          job.timer().warmUp(most, () -> small.rows().forEach(linear::forward));
        }
      }
    } catch (IllegalStateException e) {
      // Refused: so are the rows, which say why.
    }
  }

  private static void run(Job job, Subject subject, LayerData data, int threads, Results results) {
    Shape shape = data.shape();
    try (Sinter sinter = Sinter.open(subject.options(threads));
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
