package dev.sinter;

import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Timings;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The part of {@link Calibration} that times sparse weights against the same ones as dense: each
 * structure that has a native kernel, in the blocks that the kernel skips, at some densities. From
 * the number of rows on that it ends with, a kernel takes its time in proportion.
 */
final class SparseCalibration {
  private static final int[] ROWS = {1, 4, 32};
  private static final int MOST_ROWS = 32;

  /**
   * What is timed.
   *
   * @param densities shares of weights that are there
   */
  record Kind(Scheme scheme, Sparsity structure, double... densities) {
    String label() {
      return scheme.id() + " " + structure;
    }
  }

  private static final List<Kind> KINDS =
      List.of(
          new Kind(Scheme.W8A8, new Sparsity.NofM(2, 4), 0.5),
          new Kind(Scheme.W8A8, new Sparsity.Blocks(16, 4), 0.5, 0.1),
          new Kind(Scheme.W8A8, Sparsity.UNSTRUCTURED, 0.5, 0.1),
          new Kind(Scheme.W4A8, new Sparsity.Blocks(16, 8), 0.5, 0.1),
          new Kind(Scheme.F32, new Sparsity.Blocks(16, 4), 0.5, 0.1),
          new Kind(Scheme.F32, Sparsity.UNSTRUCTURED, 0.3, 0.1));

  private SparseCalibration() {}

  /** The kinds that a native backend has a kernel for. */
  static List<Kind> kinds(Sinter sinter) {
    return KINDS.stream().filter(k -> backend(sinter, k) != null).toList();
  }

  /** Null if there is none. */
  private static Backend backend(Sinter sinter, Kind kind) {
    try (Arena arena = Arena.ofShared()) {
      MatmulSpec spec = spec(kind, weights(kind, 64, 1, arena));
      return sinter.backends().stream()
          .filter(b -> !Calibration.PORTABLE.contains(b.name()) && b.supports(spec).supported())
          .findFirst()
          .orElse(null);
    }
  }

  private static MatmulSpec spec(Kind kind, Sparse weights) {
    return MatmulSpec.of(weights, kind.scheme().activations(), Epilogue.NONE);
  }

  /**
   * Adds times of square layers.
   *
   * @param options with nothing forced
   * @param millis those of dense layers, which dense weights go by
   */
  static void time(
      Kind kind, int size, SinterOptions options, Map<Timings.Layer, Map<String, Double>> millis) {
    try (Sinter free = Sinter.open(options, new Timings(millis))) {
      Backend backend = backend(free, kind);
      SinterOptions forced = options.withBackend(backend.name());
      try (Sinter sinter = Sinter.open(forced, Timings.none());
          Arena arena = Arena.ofShared()) {
        MemorySegment x = Calibration.uniform(MOST_ROWS, size, arena);
        MemorySegment y = arena.allocate(4L * MOST_ROWS * size, 64);
        for (double density : kind.densities()) {
          try (Arena values = Arena.ofShared()) {
            Sparse weights = weights(kind, size, density, values);
            try (Calibration.Contender sparse =
                    Calibration.Contender.of(sinter, weights, kind.scheme());
                Calibration.Contender dense =
                    Calibration.Contender.of(free, weights.full(), kind.scheme())) {
              MatmulSpec spec = spec(kind, weights);
              int percent = (int) Math.round(100 * backend.density(spec, weights));
              for (int m : ROWS) {
                Map<String, Double> best =
                    Calibration.best(Map.of(backend.name(), sparse, Timings.DENSE, dense), x, m, y);
                millis.put(new Timings.Layer(Timings.kind(spec), size, size, percent, m), best);
              }
            }
          }
        }
      }
    }
  }

  private static Sparse weights(Kind kind, int size, double density, Arena arena) {
    MemorySegment data = Calibration.uniform(size, size, arena);
    makeZeros(data, size, kind.structure(), density);
    FullTensor full =
        Calibration.weights(
            kind.scheme(), new Dense("calibration", size, size, DType.F32, data), arena);
    return new Sparse(kind.structure(), full);
  }

  private static void makeZeros(MemorySegment data, int size, Sparsity structure, double density) {
    SplittableRandom random = new SplittableRandom(2);
    int height = structure instanceof Sparsity.Blocks b ? b.rows() : 1;
    int width =
        switch (structure) {
          case Sparsity.Blocks b -> b.columns();
          case Sparsity.NofM p -> p.m();
          case Sparsity.Unstructured _ -> 1;
        };
    for (int row = 0; row < size; row += height) {
      for (int column = 0; column < size; column += width) {
        if (structure instanceof Sparsity.NofM p) {
          int first = random.nextInt(p.m());
          for (int i = 0; i < p.m() - p.n(); i++) {
            zero(data, size, row, column + (first + i) % p.m(), 1, 1);
          }
        } else if (random.nextDouble() >= density) {
          zero(data, size, row, column, height, width);
        }
      }
    }
  }

  private static void zero(
      MemorySegment data, int size, int row, int column, int height, int width) {
    for (int r = row; r < Math.min(size, row + height); r++) {
      for (int k = column; k < Math.min(size, column + width); k++) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, (long) r * size + k, 0);
      }
    }
  }
}
