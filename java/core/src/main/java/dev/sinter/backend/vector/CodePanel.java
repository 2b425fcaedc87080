package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The steps of a matmul on 8-bit codes that run in vectors, see {@link CodePanelVector}.
 * Thread-safe.
 */
interface CodePanel {
  /** Byte order of packed codes and int32 sums on every machine. */
  ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

  /** Inputs are taken in groups of so many, at every vector width. */
  int GROUP = 64;

  /**
   * Inputs that {@link #split} takes at most at a time: so few that two rows of them stay in the
   * first cache while weights stream through it, and so many that the call is soon paid for.
   */
  int MAX_SPLIT = 4096;

  /** Bytes that {@link #split} writes. */
  int SPLIT_BYTES = 3 * MAX_SPLIT;

  /**
   * Prepares a row of codes for {@link #dot}.
   *
   * @param flip 0 for unsigned codes, {@code 0x8080} for signed ones
   * @param count codes, a multiple of GROUP up to MAX_SPLIT
   */
  void split(MemorySegment codes, long at, short flip, int count, MemorySegment out, long outAt);

  /** Zeros the bytes from {@code from}, as many vectors. */
  void clear(MemorySegment sums, long from, long bytes);

  /**
   * Adds the products of an input row with two rows of weights to an int32 sum each.
   *
   * @param split the input as {@link #split} left it
   * @param wA byte of the first row of weights
   * @param wB of the second
   * @param sumA byte of the sum of the first
   */
  void dot(
      MemorySegment split,
      int count,
      MemorySegment w,
      long wA,
      long wB,
      MemorySegment sums,
      long sumA,
      long sumB);

  /**
   * The same for two input rows and twice two rows of weights.
   *
   * @param split the inputs, SPLIT_BYTES apart
   * @param wA byte of two rows of weights, {@code wStride} bytes apart
   * @param sumA byte of their sums of the first input, one after the other; those of the second
   *     input are {@code sumStride} bytes further
   */
  void dotPairs(
      MemorySegment split,
      int count,
      MemorySegment w,
      long wA,
      long wB,
      long wStride,
      MemorySegment sums,
      long sumA,
      long sumB,
      long sumStride);

  /** Adds the first {@code count} floats, which hold integers, to int32 at byte {@code at}. */
  void add(MemorySegment floats, MemorySegment sums, long at, int count);
}
