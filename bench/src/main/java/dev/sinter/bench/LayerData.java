package dev.sinter.bench;

import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Weights, input, output and expected results of a shape, for any number of threads. */
final class LayerData implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final Shape shape;
  private final Scheme scheme;
  private final CompressedTensor weights;
  private final MemorySegment x;
  private final MemorySegment y;
  private final Agreement agreement;

  /**
   * @throws IllegalArgumentException if there are no weights of the scheme
   */
  LayerData(Subject subject, Shape shape) {
    this.shape = shape;
    scheme = subject.asScheme();
    Sparsity structure = Format.sparsity(subject.format());
    int rows = shape.rows().stream().mapToInt(m -> m).max().orElseThrow();
    try {
      Dense dense = Data.weights(shape.n(), shape.k(), arena);
      if (structure == null) {
        weights = Compression.of(scheme, dense, arena);
      } else {
        Data.makeZeros(structure, subject.sparsity(), dense);
        weights = Compression.of(scheme, structure, dense, arena);
      }
      x = Data.activations(rows, shape.k(), arena);
      y = Data.floats(rows, shape.n(), arena);
      agreement = new Agreement(scheme, dense);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  Shape shape() {
    return shape;
  }

  Scheme scheme() {
    return scheme;
  }

  CompressedTensor weights() {
    return weights;
  }

  /** f32, for the most rows of the shape. */
  MemorySegment x() {
    return x;
  }

  /** Likewise. */
  MemorySegment y() {
    return y;
  }

  Agreement agreement() {
    return agreement;
  }

  @Override
  public void close() {
    agreement.close();
    arena.close();
  }
}
