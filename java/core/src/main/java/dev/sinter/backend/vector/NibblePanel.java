package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;

/**
 * The steps of a matmul on 4-bit weights that run in vectors, see {@link NibblePanelVector}.
 * Thread-safe.
 */
interface NibblePanel {
  /** Inputs that are taken at a time, and what every group has a multiple of. */
  int STEP = 8;

  /** Inputs that {@link #split} takes at most at a time: they stay in the first cache. */
  int MAX_SPLIT = MatmulScratch.DEPTH;

  /** Bytes that {@link #addProducts} works in: two vectors for each group that may end. */
  int SPARE_BYTES = (MAX_SPLIT / STEP + 1) * 2 * 64;

  /**
   * What a group of weights is decoded with.
   *
   * @param steps of a group, the last one may have fewer
   * @param count of the groups of a row
   * @param lastStep of a row, that which ends the last group
   * @param scales f32 [groups, columns]
   * @param centers int32 likewise: the zero points
   * @param stride bytes from group to group of the scales
   * @param centerStride likewise of the centers
   */
  record Groups(
      int steps,
      int count,
      int lastStep,
      MemorySegment scales,
      MemorySegment centers,
      long stride,
      long centerStride) {}

  /**
   * Prepares a row of codes for {@link #addProducts}: each less the zero point.
   *
   * @param signed whether codes are signed
   * @param count codes, a multiple of {@link CodePanel#GROUP} up to MAX_SPLIT
   */
  void split(
      MemorySegment codes, long at, boolean signed, int zeroPoint, int count, MemorySegment out);

  /**
   * Adds the products of a row with half a panel to {@code sums}, int32 [panel width / 2]. Where a
   * group ends, they are decoded and added to {@code values}, f32 likewise, and start from 0 again.
   *
   * @param split the inputs as {@link #split} left them
   * @param from the first of their steps in the row
   * @param steps how many there are
   * @param scalesAt byte of the scales of the first group for the first column
   * @param centersAt likewise of the centers
   * @param inputSums int32 [groups] at byte {@code inputSumsAt}: those of the row
   * @param at byte of both sums and values
   * @param spare to work in, SPARE_BYTES
   */
  void addProducts(
      MemorySegment split,
      int from,
      int steps,
      MemorySegment w,
      long wAt,
      Groups groups,
      long scalesAt,
      long centersAt,
      MemorySegment inputSums,
      long inputSumsAt,
      MemorySegment sums,
      MemorySegment values,
      long at,
      MemorySegment spare);
}
