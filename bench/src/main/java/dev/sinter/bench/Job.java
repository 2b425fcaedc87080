package dev.sinter.bench;

import java.util.List;

/**
 * What one fork measures: one scheme on one backend, or of one peer.
 *
 * @param threads one after the other; a peer has one, since its threads belong to its process
 * @param shapes of linear layers; none for an encoder
 * @param sparsities shares of weights that are zero, one after the other; none for dense weights
 * @param sizes of what an encoder is given; none for others
 * @param decoder what a decoder is measured with; null for others
 * @param rowNanos time for a row; 0 to call everything once
 * @param deadlineMillis of the system clock: no row is begun after it
 */
record Job(
    Subject subject,
    List<Integer> threads,
    List<Shape> shapes,
    List<Double> sparsities,
    List<EncoderSize> sizes,
    DecoderLoad decoder,
    long rowNanos,
    long deadlineMillis) {

  /** The subject with each sparsity; itself for dense weights. */
  List<Subject> subjects() {
    return sparsities.isEmpty()
        ? List.of(subject)
        : sparsities.stream().map(subject::withSparsity).toList();
  }

  /** Of linear layers, or of an encoder. */
  Job(
      Subject subject,
      List<Integer> threads,
      List<Shape> shapes,
      List<Double> sparsities,
      List<EncoderSize> sizes,
      long rowNanos,
      long deadlineMillis) {
    this(subject, threads, shapes, sparsities, sizes, null, rowNanos, deadlineMillis);
  }

  boolean encoder() {
    return !sizes.isEmpty();
  }

  RowTimer timer() {
    return rowNanos == 0 ? RowTimer.once() : new RowTimer(rowNanos, 3);
  }

  boolean outOfTime() {
    return System.currentTimeMillis() > deadlineMillis;
  }

  /** The rows it makes if nothing is refused. */
  int rowCount() {
    int rows = rows(shapes, sizes, decoder, subject.peer() == null);
    return rows * threads.size() * Math.max(1, sparsities.size());
  }

  /** The rows of one number of threads and one sparsity. */
  static int rows(List<Shape> shapes, List<EncoderSize> sizes, DecoderLoad decoder, boolean ours) {
    return shapes.stream().mapToInt(s -> s.rows().size()).sum()
        + sizes.size()
        + (decoder == null ? 0 : decoder.rows(ours));
  }
}
