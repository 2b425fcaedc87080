package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/** {@link NormSpec} with its gamma and beta. */
public non-sealed interface NormKernel extends Kernel {
  /**
   * Normalizes rows {@code from} to {@code to} of x, f32 and contiguous.
   *
   * @param y gets the same rows likewise; may be x
   * @param out gets them quantized, as a {@link QuantizeKernel} would y; null exactly if the spec
   *     has no codes
   */
  void run(MemorySegment x, MemorySegment y, ActivationBuffer out, int from, int to);

  /** The same where the spec has no codes. */
  default void run(MemorySegment x, MemorySegment y, int from, int to) {
    run(x, y, null, from, to);
  }
}
