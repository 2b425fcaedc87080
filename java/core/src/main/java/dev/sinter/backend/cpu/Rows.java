package dev.sinter.backend.cpu;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeSpec;
import java.lang.foreign.MemorySegment;

/** What must hold before native code converts rows of a pass. */
final class Rows {
  private Rows() {}

  /**
   * @throws IllegalArgumentException if x is on the heap or too short, if out is for another scheme
   *     or width, or if it lacks the rows
   */
  static void check(QuantizeSpec spec, MemorySegment x, ActivationBuffer out, int from, int to) {
    // Whoever made out saw to it that its segments hold its rows.
    if (!out.fits(spec)) {
      throw new IllegalArgumentException(
          "output for rows of " + out.columns() + " " + out.scheme() + ", asked to " + spec);
    }
    if (from < 0 || to < from || to > out.rows()) {
      throw new IllegalArgumentException(
          "rows " + from + " to " + to + " of an output of " + out.rows());
    }
    long rowBytes = 4L * spec.width();
    if (x.byteSize() < to * rowBytes) {
      throw new IllegalArgumentException(
          "x has "
              + x.byteSize()
              + " bytes, "
              + to
              + " rows of "
              + spec.width()
              + " f32 need "
              + to * rowBytes);
    }
    if (!x.isNative() || !out.data().isNative()) {
      throw new IllegalArgumentException("x and out must be native memory, not on the heap");
    }
  }
}
