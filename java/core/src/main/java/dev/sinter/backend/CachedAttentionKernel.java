package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/**
 * {@link CachedAttentionSpec}. All query heads of one head of keys and values are done together, so
 * that these are read once.
 *
 * <p>A row yields the same, bit for bit, from {@link #run} with any rows beside it and from {@link
 * #runSegment} and {@link #merge}.
 */
public non-sealed interface CachedAttentionKernel extends Kernel {
  /**
   * Attention of rows {@code row} to {@code row + rows}, at positions {@code position} and after,
   * whose keys and values are in the cache already.
   *
   * @param qkv f32 [.., (heads + 2 kvHeads) * headDim], of which the queries are read
   * @param rows 1 to {@link CachedAttentionSpec#ROWS}
   * @param out f32 [.., heads * headDim]; gets the columns of the query heads of kvHead
   * @throws IllegalStateException if the pages were given back
   */
  void run(
      int worker,
      MemorySegment qkv,
      int row,
      int rows,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      MemorySegment out);

  /** Bytes of what {@link #runSegment} makes; a multiple of 64. */
  long partBytes();

  /**
   * The part of one row that comes from one segment of positions, for {@link #merge}.
   *
   * @param segment positions from {@code segment * CachedAttentionSpec.SEGMENT}; one of them at
   *     least is visible
   * @param parts gets the part
   * @param at where, in bytes, a multiple of 64
   */
  void runSegment(
      int worker,
      MemorySegment qkv,
      int row,
      int position,
      int kvHead,
      KvPages pages,
      int layer,
      int segment,
      MemorySegment parts,
      long at);

  /**
   * The result of a row from the parts of neighbouring segments, {@code stride} bytes apart, from
   * the first to the last that has a visible position.
   *
   * @param at where the first part is, in bytes, a multiple of 64
   */
  void merge(
      int worker,
      MemorySegment parts,
      long at,
      long stride,
      int count,
      int kvHead,
      MemorySegment out,
      int row);
}
