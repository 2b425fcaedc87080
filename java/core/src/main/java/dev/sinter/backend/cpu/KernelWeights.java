package dev.sinter.backend.cpu;

import dev.sinter.layout.PackedWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Weights as a {@link PanelMatmul} has packed them. */
interface KernelWeights {
  /** Arguments of the kernel, zeros but for what is about the weights. */
  MemorySegment arguments(Arena arena);

  /** What {@link PanelMatmul#cut} takes. */
  int[] strips();

  /** Bytes of all there is. */
  long bytes();

  /** As {@link dev.sinter.backend.MatmulKernel#packed} has it. */
  default PackedWeights packed() {
    return null;
  }

  /**
   * Values along K that share the scales of weights and activations, and whose sum a call wants; 0
   * for all of them.
   */
  default int step() {
    return 0;
  }

  /** Sums of a row. */
  default int steps() {
    return 1;
  }
}
