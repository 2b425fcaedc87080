package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_OK;
import static dev.sinter.bindings.sinter.sinter_h.sinter_status_text;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.runtime.NativeException;
import java.lang.foreign.MemorySegment;

/** What must hold before native code converts rows of a pass, and after. */
final class Rows {
  private Rows() {}

  /**
   * @throws IllegalArgumentException if x is on the heap or too short, if out is for another spec,
   *     or if it lacks the rows
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
    check("x", x, spec.width(), from, to);
    if (!out.data().isNative()) {
      throw new IllegalArgumentException("out must be native memory, not on the heap");
    }
  }

  /**
   * @throws IllegalArgumentException unless the memory is native and holds the rows
   */
  static void check(String name, MemorySegment rows, int width, int from, int to) {
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("rows " + from + " to " + to + " of " + name);
    }
    long rowBytes = 4L * width;
    if (rows.byteSize() < to * rowBytes) {
      throw new IllegalArgumentException(
          name
              + " has "
              + rows.byteSize()
              + " bytes, "
              + to
              + " rows of "
              + width
              + " f32 need "
              + to * rowBytes);
    }
    if (!rows.isNative()) {
      throw new IllegalArgumentException(name + " must be native memory, not on the heap");
    }
  }

  /**
   * @throws NativeException unless the status is that of success
   */
  static void check(String function, int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(function, status, sinter_status_text(status).getString(0));
    }
  }
}
