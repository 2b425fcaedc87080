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
   * Inputs that {@link #split} takes at most at a time: so few that they stay in the first cache
   * while the weights of a tile stream through it. If they do not, reading them again keeps the
   * processor from fetching weights ahead, and a row of cold weights takes twice as long.
   */
  int MAX_SPLIT = MatmulScratch.DEPTH;

  /** Bytes that {@link #split} writes. */
  int SPLIT_BYTES = 6 * MAX_SPLIT;

  /**
   * Prepares a row of codes for {@link #dot}.
   *
   * @param flip 0 for unsigned codes, {@code 0x80808080} for signed ones
   * @param count codes, a multiple of GROUP up to MAX_SPLIT
   */
  void split(MemorySegment codes, long at, int flip, int count, MemorySegment out);

  /** Zeros the bytes from {@code from}, as many vectors. */
  void clear(MemorySegment sums, long from, long bytes);

  /**
   * Adds the products of a row with a panel to {@code sums}: int32 [2, panel width].
   *
   * @param split the row as {@link #split} left it
   */
  void dot(MemorySegment split, int count, MemorySegment w, long wAt, MemorySegment sums, long at);

  /**
   * Turns what {@link #dot} summed over {@code count} inputs in all into int32 [panel width] sums
   * of products, at byte {@code to}.
   */
  void join(MemorySegment sums, long at, int count, long to);

  /** A row of codes as floats, in the order of {@link #decode}. */
  void toFloats(MemorySegment codes, long at, int flip, int count, MemorySegment out, long outAt);

  /** A panel's weights as f32 [count, panel width]; the rows are permuted within groups. */
  void decode(MemorySegment w, long wAt, int count, MemorySegment out);

  /** Adds the first {@code count} floats, which hold integers, to int32 at byte {@code at}. */
  void add(MemorySegment floats, MemorySegment sums, long at, int count);
}
