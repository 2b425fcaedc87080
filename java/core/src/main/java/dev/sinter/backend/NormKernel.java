package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/** {@link NormSpec} with its gamma and beta. */
public non-sealed interface NormKernel extends Kernel {
  /** Normalizes rows {@code from} to {@code to} of x into y, f32, contiguous; y may be x. */
  void run(MemorySegment x, MemorySegment y, int from, int to);
}
