package dev.sinter.backend;

import dev.sinter.layout.PackedWeights;
import java.lang.foreign.MemorySegment;

/** {@link MatmulSpec} with its weights. */
public non-sealed interface MatmulKernel extends Kernel {
  /**
   * The stride that {@code x} must have: K, or more where the kernel reads padding columns of the
   * codes; see {@link ActivationBuffer}.
   */
  int codeColumns();

  /**
   * Whether U8 codes and their zero points are wanted 128 lower, as signed bytes: the same numbers,
   * for kernels whose instructions multiply unsigned weights.
   */
  default boolean signedCodes() {
    return false;
  }

  /**
   * Values along K of which {@link ActivationBuffer#stepSums} must hold the sums, for kernels whose
   * weights have groups: as {@link QuantizeSpec} wants it, or 0 if {@link ActivationBuffer#sums}
   * will do.
   */
  default int sumStep() {
    return 0;
  }

  /** Bytes of packed weights and whatever else the kernel keeps for them. */
  long bytes();

  /**
   * The weights as this kernel reads them, without the bias, for {@link Backend#packedMatmul};
   * valid until the kernel is closed. Null if the backend cannot take them back.
   */
  default PackedWeights packed() {
    return null;
  }

  /** Number of independent pieces for {@code m} rows. */
  int tiles(int m);

  /**
   * Computes one tile.
   *
   * @param x at least {@code m} input rows, {@link #codeColumns} apart
   * @param y f32 [m, N], contiguous; holds the residual before if the epilogue has one
   */
  void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y);

  /**
   * Computes tiles {@code from} to {@code to}, exclusive: the same as one by one, for kernels that
   * a call costs time.
   */
  default void run(int worker, int from, int to, int m, ActivationBuffer x, MemorySegment y) {
    for (int tile = from; tile < to; tile++) {
      run(worker, tile, m, x, y);
    }
  }
}
