package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * How integer weights are coded: what a code is, and what shares a scale and a zero point.
 *
 * <p>A row starts at a whole byte, and of the codes of a byte the first is in its lowest bits. If
 * the last byte of a row has room for more codes, what is there means nothing.
 *
 * @param code what a code is
 * @param granularity what shares a scale
 * @param group for {@link Granularity#GROUP}, the weights of a row, side by side, that share a
 *     scale: a multiple of 32; the last group of a row may be shorter. 0 for the others
 * @param zeroPoints whether there is a zero point for every scale; of {@link Code#INT4} only
 */
public record CodeFormat(Code code, Granularity granularity, int group, boolean zeroPoints) {
  /** Groups are multiples of this, which kernels take in one go. */
  public static final int GROUP_STEP = 32;

  public CodeFormat {
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(granularity, "granularity");
    if (granularity != Granularity.GROUP && group != 0) {
      throw new IllegalArgumentException(granularity + " has no group size, got " + group);
    }
    if (granularity == Granularity.GROUP && (group < GROUP_STEP || group % GROUP_STEP != 0)) {
      throw new IllegalArgumentException(
          "the group size must be a multiple of " + GROUP_STEP + ", got " + group);
    }
    if (zeroPoints && code != Code.INT4) {
      throw new IllegalArgumentException("zero points are for I4, got " + code);
    }
  }

  /**
   * Integers as codes.
   *
   * @param bits 8 or 4
   */
  public CodeFormat(int bits, Granularity granularity, int group, boolean zeroPoints) {
    this(Code.integer(bits), granularity, group, zeroPoints);
  }

  /** Symmetric integers of 8 or 4 bits with a scale for each row. */
  public static CodeFormat perChannel(int bits) {
    return new CodeFormat(bits, Granularity.CHANNEL, 0, false);
  }

  /** Symmetric integers of 8 or 4 bits with a scale for each {@code group} weights of a row. */
  public static CodeFormat inGroups(int bits, int group) {
    return inGroups(Code.integer(bits), group);
  }

  /** Codes without zero points, with a scale for each {@code group} weights of a row. */
  public static CodeFormat inGroups(Code code, int group) {
    return new CodeFormat(code, Granularity.GROUP, group, false);
  }

  /** Width of a code. */
  public int bits() {
    return code.bits();
  }

  /** The largest code. */
  public int maxCode() {
    return code.max();
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
    return Math.ceilDiv((long) columns * code.bits(), Byte.SIZE);
  }

  /**
   * Writes the codes of a row.
   *
   * @param row all of them codes
   * @param offset of the row in {@code out}, in bytes
   * @throws IllegalArgumentException for a value that is no code
   */
  public void write(byte[] row, MemorySegment out, long offset) {
    switch (code) {
      case INT8 -> MemorySegment.copy(row, 0, out, ValueLayout.JAVA_BYTE, offset, row.length);
      case INT4 -> {
        byte[] packed = packNibbles(row);
        MemorySegment.copy(packed, 0, out, ValueLayout.JAVA_BYTE, offset, packed.length);
      }
      case TERNARY, BINARY -> writeBits(row, out, offset);
    }
  }

  /** The same as {@link #writeBits} at several times the speed, for the usual case. */
  private byte[] packNibbles(byte[] row) {
    byte[] packed = new byte[(row.length + 1) / 2];
    int outside = 0; // not 0 once a value was no code
    for (int i = 0; i < row.length / 2; i++) {
      int low = row[2 * i];
      int high = row[2 * i + 1];
      outside |= (low + 8 | high + 8) & ~0xF;
      packed[i] = (byte) (low & 0xF | high << 4);
    }
    if (row.length % 2 != 0) {
      int last = row[row.length - 1];
      outside |= last + 8 & ~0xF;
      packed[row.length / 2] = (byte) (last & 0xF);
    }
    if (outside != 0) {
      checkCodes(row);
    }
    return packed;
  }

  private void checkCodes(byte[] row) {
    for (byte value : row) {
      if (!code.has(value)) {
        throw new IllegalArgumentException(value + " is no code of " + code);
      }
    }
  }

  private void writeBits(byte[] row, MemorySegment out, long offset) {
    checkCodes(row);
    int codesOfByte = Byte.SIZE / code.bits();
    for (int k = 0; k < row.length; k += codesOfByte) {
      int packed = 0;
      for (int i = Math.min(codesOfByte, row.length - k) - 1; i >= 0; i--) {
        packed = packed << code.bits() | code.toBits(row[k + i]);
      }
      out.set(ValueLayout.JAVA_BYTE, offset + k / codesOfByte, (byte) packed);
    }
  }

  /**
   * Reads the codes of a row.
   *
   * @param offset of the row in {@code in}, in bytes
   * @param row gets as many as it has room for
   * @throws IllegalArgumentException for bits that are no code, as two of {@link Code#TERNARY} may
   *     be
   */
  public void read(MemorySegment in, long offset, byte[] row) {
    if (code == Code.INT8) {
      MemorySegment.copy(in, ValueLayout.JAVA_BYTE, offset, row, 0, row.length);
      return;
    }
    byte[] packed = new byte[(int) rowBytes(row.length)];
    MemorySegment.copy(in, ValueLayout.JAVA_BYTE, offset, packed, 0, packed.length);
    if (code == Code.INT4) { // all bits are codes, and it is the usual case
      for (int i = 0; i < row.length / 2; i++) {
        row[2 * i] = (byte) (packed[i] << 28 >> 28);
        row[2 * i + 1] = (byte) (packed[i] >> 4);
      }
      if (row.length % 2 != 0) {
        row[row.length - 1] = (byte) (packed[row.length / 2] << 28 >> 28);
      }
      return;
    }
    int k = 0;
    for (byte some : packed) {
      for (int shift = 0; shift < Byte.SIZE && k < row.length; shift += code.bits(), k++) {
        int value = code.fromBits(some >> shift);
        if (value < code.min()) {
          throw new IllegalArgumentException(
              "code " + k + " of a row is " + value + ", which is no code of " + code);
        }
        row[k] = (byte) value;
      }
    }
  }

  /** For example {@code I8 per CHANNEL} or {@code I4 in groups of 128 with zero points}. */
  @Override
  public String toString() {
    String shared =
        granularity == Granularity.GROUP ? " in groups of " + group : " per " + granularity;
    return code + shared + (zeroPoints ? " with zero points" : "");
  }
}
