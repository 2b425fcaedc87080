package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Integer weights. With the scale s and the zero point c of a weight's group, {@code W[n][k] =
 * codes[n][k] * s}, or with zero points {@code W[n][k] = (codes[n][k] + 8 - c) * s}: a zero point
 * counts as the code would if its nibble were stored unsigned, so that 8 is the same as none.
 *
 * @param format width of the codes, and what shares a scale
 * @param codes the rows one after another, each of {@code format.rowBytes(columns)} bytes
 * @param scales row-major [rows][groups], one per row for {@link Granularity#CHANNEL}, one in all
 *     for {@link Granularity#TENSOR}; finite and not negative
 * @param zeroPoints 0 to 15, one for each scale; null exactly if the format has none
 * @param columnOrder which column each stored one is, where codes and groups are stored in another
 *     order than that of the matrix; null if they are not
 */
public record Quantized(
    String name,
    int rows,
    int columns,
    CodeFormat format,
    MemorySegment codes,
    float[] scales,
    byte[] zeroPoints,
    ColumnOrder columnOrder)
    implements FullTensor {
  /** What a 4-bit code of -8 to 7 is stored higher by where nibbles are unsigned. */
  private static final int NIBBLE_OFFSET = 8;

  public Quantized {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(format, "format");
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": rows and columns must be at least 1, got " + rows + "x" + columns);
    }
    if (codes.byteSize() != rows * format.rowBytes(columns)) {
      throw new IllegalArgumentException(
          name
              + ": "
              + codes.byteSize()
              + " bytes of codes, "
              + rows
              + "x"
              + columns
              + " weights of "
              + format
              + " need "
              + rows * format.rowBytes(columns));
    }
    int expected = format.scales(rows, columns);
    if (scales.length != expected) {
      throw new IllegalArgumentException(
          name + ": " + scales.length + " scales, " + format + " needs " + expected);
    }
    scales = scales.clone();
    for (int i = 0; i < scales.length; i++) {
      if (!(scales[i] >= 0 && scales[i] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            name + ": scale " + i + " is " + scales[i] + ", must be finite and not negative");
      }
    }
    if (format.zeroPoints() != (zeroPoints != null)) {
      throw new IllegalArgumentException(
          name + ": zero points are " + (zeroPoints == null ? "missing" : "given") + ": " + format);
    }
    if (zeroPoints != null) {
      zeroPoints = checked(name, zeroPoints, expected);
    }
    if (columnOrder != null) {
      columnOrder.check(columns);
    }
  }

  /** Codes in the order of the matrix. */
  public Quantized(
      String name,
      int rows,
      int columns,
      CodeFormat format,
      MemorySegment codes,
      float[] scales,
      byte[] zeroPoints) {
    this(name, rows, columns, format, codes, scales, zeroPoints, null);
  }

  /** Symmetric codes without groups. */
  public Quantized(
      String name,
      int rows,
      int columns,
      int bits,
      Granularity granularity,
      MemorySegment codes,
      float[] scales) {
    this(name, rows, columns, new CodeFormat(bits, granularity, 0, false), codes, scales, null);
  }

  private static byte[] checked(String name, byte[] zeroPoints, int expected) {
    if (zeroPoints.length != expected) {
      throw new IllegalArgumentException(
          name + ": " + zeroPoints.length + " zero points for " + expected + " scales");
    }
    for (int i = 0; i < zeroPoints.length; i++) {
      if (zeroPoints[i] < 0 || zeroPoints[i] > 15) {
        throw new IllegalArgumentException(
            name + ": zero point " + i + " is " + zeroPoints[i] + ", must be 0 to 15");
      }
    }
    return zeroPoints.clone();
  }

  /** A copy of the scales. */
  @Override
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points; null if there are none. */
  @Override
  public byte[] zeroPoints() {
    return zeroPoints == null ? null : zeroPoints.clone();
  }

  /**
   * The scale of row {@code row}.
   *
   * @throws IllegalStateException if its groups have scales of their own
   */
  public float scale(int row) {
    if (format.granularity() == Granularity.GROUP) {
      throw new IllegalStateException(name + ": a row has no scale of its own: " + format);
    }
    return scale(row, 0);
  }

  /** The scale of group {@code group} of row {@code row}. */
  public float scale(int row, int group) {
    return scales[index(row, group)];
  }

  /** The zero point of a group, 8 if there are none. 4-bit codes only. */
  public int zeroPoint(int row, int group) {
    return zeroPoints == null ? NIBBLE_OFFSET : zeroPoints[index(row, group)];
  }

  /** The code that stands for zero in a group. Not for {@link Code#BINARY}, which has none. */
  int zeroCode(int row, int group) {
    return zeroPoints == null ? 0 : zeroPoints[index(row, group)] - NIBBLE_OFFSET;
  }

  private int index(int row, int group) {
    return format.granularity() == Granularity.TENSOR ? 0 : row * format.groups(columns) + group;
  }

  /**
   * The codes of row {@code row} as they are stored, one a byte, written to {@code out[0,
   * columns)}.
   */
  public void readCodes(int row, byte[] out) {
    format.read(codes, row * format.rowBytes(columns), out);
  }

  /**
   * Row {@code row} as the integers that its scales multiply, codes less their zero points, in the
   * order they are stored in, written to {@code out[0, columns)}.
   */
  public void readIntegers(int row, byte[] out) {
    readCodes(row, out);
    if (zeroPoints != null) {
      int width = format.groupWidth(columns);
      for (int k = 0; k < columns; k++) {
        out[k] += (byte) (NIBBLE_OFFSET - zeroPoint(row, k / width));
      }
    }
  }

  @Override
  public long bytes() {
    return codes.byteSize()
        + 4L * scales.length
        + (zeroPoints == null ? 0 : zeroPoints.length)
        + (columnOrder == null ? 0 : 4L * columns);
  }

  @Override
  public void decodeRow(int row, float[] out) {
    byte[] integers = new byte[columns];
    readIntegers(row, integers);
    int width = format.groupWidth(columns);
    for (int k = 0; k < columns; k++) {
      int column = columnOrder == null ? k : columnOrder.column(k);
      out[column] = integers[k] * scale(row, k / width);
    }
  }
}
