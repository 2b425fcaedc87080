package dev.sinter.bench;

import dev.sinter.Sinter;
import dev.sinter.layer.Linear;
import dev.sinter.runtime.CpuCaches;
import dev.sinter.tensor.Sparse;
import java.util.ArrayList;
import java.util.List;

/**
 * A linear layer ready to be called, in as many copies as cold weights need. Not thread-safe; uses
 * the input and output of its data.
 */
final class LinearCase implements AutoCloseable {
  private static final long LEAST_COLD_BYTES = 128L << 20;
  private static final int COLD_CACHES = 4;

  private final LayerData data;
  private final List<Linear> copies = new ArrayList<>();
  private int next;

  /**
   * @throws IllegalStateException if the backend that {@code sinter} forces refuses the layer
   */
  LinearCase(Sinter sinter, LayerData data) {
    this.data = data;
    boolean cold = data.shape().rows().stream().anyMatch(data.shape()::cold);
    try {
      do {
        copies.add(Linear.of(sinter, data.weights(), (float[]) null, data.scheme().activations()));
      } while (cold && copies.size() < coldCopies());
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Small sparse layers would take minutes to pack for more than is needed. */
  private int coldCopies() {
    boolean sparse = data.weights() instanceof Sparse;
    return sparse
        ? Math.toIntExact(COLD_CACHES * CpuCaches.host().last() / weightBytes() + 1)
        : coldCopies(weightBytes());
  }

  /** Copies of a layer that are more together than any cache keeps. */
  static int coldCopies(long weightBytes) {
    long cold = Math.max(LEAST_COLD_BYTES, COLD_CACHES * CpuCaches.host().last());
    return Math.toIntExact(cold / weightBytes + 1);
  }

  Explanation explanation() {
    return Explanation.of(copies.getFirst().explain());
  }

  /** Of one layer: as the scheme stores them, or sparse ones as the kernel does. */
  long weightBytes() {
    return data.weights() instanceof Sparse ? copies.getFirst().bytes() : data.weights().bytes();
  }

  /** One pass over {@code m} rows, with the weights cold or warm as the shape wants it. */
  void forward(int m) {
    Linear layer = copies.getFirst();
    if (data.shape().cold(m)) {
      layer = copies.get(next);
      next = next + 1 == copies.size() ? 0 : next + 1;
    }
    layer.forward(data.x(), m, data.y());
  }

  /** Runs once and compares with the reference; null if it agrees, else what does not. */
  String disagreement(int m) {
    data.y().fill((byte) -1); // NaN: an output that is not written is seen
    forward(m);
    return data.agreement().disagreement(data.x(), m, data.y());
  }

  @Override
  public void close() {
    copies.forEach(Linear::close);
  }
}
