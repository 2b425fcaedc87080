package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/** Products of f32 rows with a panel of weights, see {@link FloatPanelVector}. Thread-safe. */
interface FloatPanel {
  /**
   * Sets {@code sums} to {@code x * w}, or adds it. Each sum is a chain of fused multiply-adds in
   * the order of k, so it does not depend on how K is cut or on the number of rows.
   *
   * @param xAt first byte of the first row
   * @param xStride bytes from row to row
   * @param w f32 [depth, panel width / 2] at byte {@code wAt}: the first half of the columns
   * @param wStride bytes from there to the other half
   * @param sums f32 [rows rounded up to 4, panel width] at byte 0; the rows beyond are scratch
   * @param add whether to go on from what {@code sums} holds
   */
  void multiply(
      MemorySegment x,
      long xAt,
      long xStride,
      int rows,
      MemorySegment w,
      long wAt,
      long wStride,
      int depth,
      MemorySegment sums,
      boolean add);

  /**
   * The same for half a panel.
   *
   * @param w f32 [depth, panel width / 2] at byte {@code wAt}
   * @param depth 0 or more
   * @param at byte of the half in the first row of {@code sums}
   */
  void multiplyHalf(
      MemorySegment x,
      long xAt,
      long xStride,
      int rows,
      MemorySegment w,
      long wAt,
      int depth,
      MemorySegment sums,
      long at,
      boolean add);
}
