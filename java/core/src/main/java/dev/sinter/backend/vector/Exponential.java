package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/** {@link ExponentialVector}. Thread-safe. */
interface Exponential {
  /**
   * Replaces floats x by {@code exp((x - max) * scale)}, whose argument is to be 0 or less, and
   * writes their sums by lane.
   *
   * @param bytes of the floats, a multiple of a vector
   * @param sums where to write one vector
   */
  void apply(MemorySegment s, long from, int bytes, float max, float scale, long sums);

  /**
   * The largest of the floats; with NaN among them it may be any, since their exponentials are NaN
   * either way.
   *
   * @param bytes of the floats, a multiple of a vector, at least one
   */
  float max(MemorySegment s, long from, int bytes);
}
