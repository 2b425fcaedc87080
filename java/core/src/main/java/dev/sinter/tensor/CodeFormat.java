package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * How integer weights are coded: the width of a code, and what shares a scale and a zero point.
 *
 * <p>Codes are signed. A row starts at a whole byte; 8-bit codes are bytes, and of two 4-bit codes,
 * in two's complement, the first is in the low half of a byte. If the last byte of a row holds one
 * code only, its high half means nothing.
 *
 * @param bits width of a code, 8 or 4
 * @param granularity what shares a scale
 * @param group for {@link Granularity#GROUP}, the weights of a row, side by side, that share a
 *     scale: a multiple of 32; the last group of a row may be shorter. 0 for the others
 * @param zeroPoints whether there is a zero point for every scale; of 4-bit codes only
 */
public record CodeFormat(int bits, Granularity granularity, int group, boolean zeroPoints) {
  /** Groups are multiples of this, which kernels take in one go. */
  public static final int GROUP_STEP = 32;

  public CodeFormat {
    Objects.requireNonNull(granularity, "granularity");
    if (bits != 8 && bits != 4) {
      throw new IllegalArgumentException("bits must be 8 or 4, got " + bits);
    }
    if (granularity != Granularity.GROUP && group != 0) {
      throw new IllegalArgumentException(granularity + " has no group size, got " + group);
    }
    if (granularity == Granularity.GROUP && (group < GROUP_STEP || group % GROUP_STEP != 0)) {
      throw new IllegalArgumentException(
          "the group size must be a multiple of " + GROUP_STEP + ", got " + group);
    }
    if (zeroPoints && bits != 4) {
      throw new IllegalArgumentException("zero points are for 4 bits, got " + bits);
    }
  }

  /** Symmetric codes with a scale for each row. */
  public static CodeFormat perChannel(int bits) {
    return new CodeFormat(bits, Granularity.CHANNEL, 0, false);
  }

  /** Symmetric codes with a scale for each {@code group} weights of a row. */
  public static CodeFormat inGroups(int bits, int group) {
    return new CodeFormat(bits, Granularity.GROUP, group, false);
  }

  /** The largest code; the smallest is one further from 0. */
  public int maxCode() {
    return (1 << bits - 1) - 1;
  }

  /** Weights of a row that share a scale, for rows of {@code columns}. */
  public int groupWidth(int columns) {
    return granularity == Granularity.GROUP ? Math.min(group, columns) : columns;
  }

  /** Groups of a row: 1 where there are none of their own. */
  public int groups(int columns) {
    return Math.ceilDiv(columns, groupWidth(columns));
  }

  /** Scales of a matrix. */
  public int scales(int rows, int columns) {
    return granularity == Granularity.TENSOR ? 1 : Math.multiplyExact(rows, groups(columns));
  }

  /** Bytes of the codes of a row. */
  public long rowBytes(int columns) {
    return bits == 8 ? columns : (columns + 1L) / 2;
  }

  /**
   * Writes the codes of a row.
   *
   * @param row each from {@code -maxCode() - 1} to {@code maxCode()}
   * @param offset of the row in {@code out}, in bytes
   * @throws IllegalArgumentException for a code out of range
   */
  public void write(byte[] row, MemorySegment out, long offset) {
    for (int k = 0; k < row.length; k++) {
      if (row[k] > maxCode() || row[k] < -maxCode() - 1) {
        throw new IllegalArgumentException("code " + row[k] + " in " + bits + " bits");
      }
    }
    if (bits == 8) {
      MemorySegment.copy(row, 0, out, ValueLayout.JAVA_BYTE, offset, row.length);
      return;
    }
    for (int k = 0; k < row.length; k += 2) {
      int high = k + 1 < row.length ? row[k + 1] : 0;
      out.set(ValueLayout.JAVA_BYTE, offset + k / 2, (byte) (row[k] & 0xF | high << 4));
    }
  }

  /**
   * Reads the codes of a row.
   *
   * @param offset of the row in {@code in}, in bytes
   * @param row gets as many as it has room for
   */
  public void read(MemorySegment in, long offset, byte[] row) {
    if (bits == 8) {
      MemorySegment.copy(in, ValueLayout.JAVA_BYTE, offset, row, 0, row.length);
      return;
    }
    for (int k = 0; k < row.length; k++) {
      byte both = in.get(ValueLayout.JAVA_BYTE, offset + k / 2);
      row[k] = (byte) (k % 2 == 0 ? (byte) (both << 4) >> 4 : both >> 4);
    }
  }

  /** For example {@code I8 per CHANNEL} or {@code I4 in groups of 128 with zero points}. */
  @Override
  public String toString() {
    String shared =
        granularity == Granularity.GROUP ? " in groups of " + group : " per " + granularity;
    return "I" + bits + shared + (zeroPoints ? " with zero points" : "");
  }
}
