package dev.sinter.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.bench.Peer.Expectation;
import dev.sinter.bench.Peer.Layer;
import dev.sinter.bench.Peer.Matrix;
import dev.sinter.bench.Peer.Variant;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The rows of one scheme of a peer: the same data, the same loop, and a check before as well. */
final class PeerSeries {
  private PeerSeries() {}

  static void run(Job job, Results results) {
    Peer peer =
        Peer.all().stream()
            .filter(p -> p.name().equals(job.subject().peer()))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(job.subject().peer() + " is not here"));
    if (job.decoder() != null) {
      DecoderSeries.run(job, peer, results);
    } else if (job.encoder()) {
      EncoderSeries.run(job, peer, results);
    } else {
      for (Shape shape : job.shapes()) {
        layer(job, peer, shape, results);
      }
    }
  }

  private static void layer(Job job, Peer peer, Shape shape, Results results) {
    Subject subject = job.subject();
    int threads = job.threads().getFirst();
    if (job.outOfTime()) {
      results.add(new Refusal(subject, shape.label(threads), "no time left", false));
      return;
    }
    List<Layer> copies = new ArrayList<>();
    try (Arena arena = Arena.ofShared()) {
      int most = shape.rows().stream().mapToInt(m -> m).max().orElseThrow();
      MemorySegment x = Data.activations(most, shape.k(), arena);
      MemorySegment y = Data.floats(most, shape.n(), arena);
      MemorySegment weights = Data.weights(shape.n(), shape.k(), arena).data();
      Variant variant = new Variant(subject.scheme(), subject.group());
      Matrix matrix = peer.matrix(variant, weights, shape.k(), shape.n());
      boolean cold = shape.rows().stream().anyMatch(shape::cold);
      for (int i = 0; i < (cold ? LinearCase.coldCopies(matrix.weightBytes()) : 1); i++) {
        copies.add(matrix.open(threads));
      }
      for (int m : shape.rows()) {
        List<Layer> used = shape.cold(m) ? copies : copies.subList(0, 1);
        used.forEach(l -> l.bind(x, m, y));
        row(job, matrix, used, shape, m, y, results);
      }
    } catch (IllegalStateException | IllegalArgumentException e) {
      results.add(new Refusal(subject, shape.label(threads), e.getMessage(), true));
    } finally {
      copies.forEach(Layer::close);
    }
  }

  /** Checks the first of the layers, then times all in turn; they write y. */
  private static void row(
      Job job,
      Matrix matrix,
      List<Layer> layers,
      Shape shape,
      int m,
      MemorySegment y,
      Results results) {
    int threads = job.threads().getFirst();
    String what = shape.label(threads) + ", M=" + m;
    y.fill((byte) -1); // NaN: an output that is not written is seen
    layers.getFirst().run();
    String wrong = disagreement(layers.getFirst().expectation(), m, shape.n(), y);
    if (wrong != null) {
      String reason = matrix.implementation() + " differs, " + wrong;
      results.add(new Refusal(job.subject(), what, reason, true));
      return;
    }
    if (job.outOfTime()) {
      results.add(new Refusal(job.subject(), what, "no time left", false));
      return;
    }
    int[] next = {0};
    RowTimer.Times times =
        job.timer()
            .time(
                () -> {
                  layers.get(next[0]).run();
                  next[0] = next[0] + 1 == layers.size() ? 0 : next[0] + 1;
                });
    results.add(
        Measurement.linear(
            job.subject(),
            null,
            matrix.implementation(),
            shape,
            m,
            threads,
            times,
            matrix.weightBytes()));
  }

  private static String disagreement(Expectation expected, int m, int n, MemorySegment y) {
    for (int row : Agreement.spread(m, Agreement.MOST_ROWS)) {
      for (int column : Agreement.spread(n, Agreement.MOST_COLUMNS)) {
        double want = expected.value(row, column);
        double bound = expected.bound(row, column);
        double got = y.getAtIndex(JAVA_FLOAT, (long) row * n + column);
        if (!(Math.abs(got - want) <= bound)) {
          return "row "
              + row
              + ", output "
              + column
              + ": "
              + got
              + ", expected "
              + want
              + " +- "
              + bound;
        }
      }
    }
    return null;
  }
}
