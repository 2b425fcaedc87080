package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/** {@link QuantizeSpec}. */
public non-sealed interface QuantizeKernel extends Kernel {
  /**
   * Quantizes rows {@code from} to {@code to} of x, f32 and contiguous, into the same rows of
   * {@code out}: codes, padding columns, scales, zero points and all sums.
   */
  void run(MemorySegment x, ActivationBuffer out, int from, int to);
}
