package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/** What follows the sums of a panel of columns, see {@link ResultWriterVector}. Thread-safe. */
interface ResultWriter {
  /**
   * One row of int32 sums as floats: times the scales of weights and input.
   *
   * @param correction times the sums of the weights of each column is added first
   * @param scale of the input row
   */
  void scale(
      MemorySegment sums,
      long at,
      int correction,
      float scale,
      int panel,
      MemorySegment values,
      long valuesAt);

  /** One row of f32 sums, already times the scales of the weights, times the scale of the input. */
  void scale(MemorySegment sums, long at, float scale, MemorySegment values, long valuesAt);

  /**
   * Adds the bias and applies the activation, in place. With a gate that is for the first half of
   * the columns, which are then multiplied by the others.
   *
   * @param values f32 [rows, panel width] at byte 0
   * @param scratch as large, and a vector more
   */
  void finish(MemorySegment values, int rows, int panel, MemorySegment scratch);

  /** Writes the values to rows {@code row} and following of y, f32 [.., N], or adds them. */
  void write(MemorySegment values, int rows, int panel, MemorySegment y, int row);
}
