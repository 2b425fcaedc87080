package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/**
 * Which weights of a matrix are not zero, a bit for each. A row is {@link #words} longs: column k
 * is bit {@code k % 64} of long {@code k / 64}, and bits behind the last column are 0. Immutable.
 */
public final class Mask {
  private final int rows;
  private final int columns;
  private final int words;
  private final long[] bits;

  private Mask(int rows, int columns) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          "rows and columns must be at least 1, got " + rows + "x" + columns);
    }
    this.rows = rows;
    this.columns = columns;
    words = Math.ceilDiv(columns, Long.SIZE);
    bits = new long[Math.multiplyExact(rows, words)];
  }

  /**
   * The weights that are not zero: floats other than 0.0 and -0.0 (so NaN is among them), codes
   * other than their zero points. Columns are those that are stored.
   */
  public static Mask of(FullTensor weights) {
    Mask mask = new Mask(weights.rows(), weights.columns());
    switch (weights) {
      case Dense dense -> {
        float[] row = new float[mask.columns];
        for (int r = 0; r < mask.rows; r++) {
          dense.decodeRow(r, row);
          for (int k = 0; k < row.length; k++) {
            mask.set(r, k, row[k] != 0);
          }
        }
      }
      case Quantized codes -> {
        byte[] row = new byte[mask.columns];
        for (int r = 0; r < mask.rows; r++) {
          codes.readIntegers(r, row);
          for (int k = 0; k < row.length; k++) {
            mask.set(r, k, row[k] != 0);
          }
        }
      }
    }
    return mask;
  }

  /**
   * A mask as compressed-tensors' {@code sparse-bitmask} has it: {@code ceil(columns / 8)} bytes a
   * row, column k in bit {@code k % 8} of byte {@code k / 8}.
   *
   * @throws IllegalArgumentException for another number of bytes, or for a bit that is set behind
   *     the last column
   */
  public static Mask of(int rows, int columns, MemorySegment bytes) {
    Mask mask = new Mask(rows, columns);
    int rowBytes = Math.ceilDiv(columns, Byte.SIZE);
    if (bytes.byteSize() != (long) rows * rowBytes) {
      throw new IllegalArgumentException(
          "a bitmask of "
              + rows
              + "x"
              + columns
              + " needs "
              + (long) rows * rowBytes
              + " bytes, has "
              + bytes.byteSize());
    }
    for (int r = 0; r < rows; r++) {
      for (int k = 0; k < rowBytes * Byte.SIZE; k++) {
        byte some = bytes.get(ValueLayout.JAVA_BYTE, (long) r * rowBytes + k / Byte.SIZE);
        boolean present = (some >> k % Byte.SIZE & 1) != 0;
        if (k < columns) {
          mask.set(r, k, present);
        } else if (present) {
          throw new IllegalArgumentException(
              "bitmask, row " + r + ": column " + k + " of " + columns + " is set");
        }
      }
    }
    return mask;
  }

  /** The columns of each row in ascending order, those of row r from pointers[r] on; all valid. */
  static Mask of(int rows, int columns, int[] rowPointers, int[] columnIndices) {
    Mask mask = new Mask(rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int i = rowPointers[r]; i < rowPointers[r + 1]; i++) {
        mask.set(r, columnIndices[i], true);
      }
    }
    return mask;
  }

  private void set(int row, int column, boolean present) {
    if (present) {
      bits[row * words + column / Long.SIZE] |= 1L << column;
    }
  }

  public int rows() {
    return rows;
  }

  public int columns() {
    return columns;
  }

  /** Longs of a row. */
  public int words() {
    return words;
  }

  /** Whether a weight is not zero. */
  public boolean isPresent(int row, int column) {
    Objects.checkIndex(row, rows);
    Objects.checkIndex(column, columns);
    return (bits[row * words + column / Long.SIZE] >>> column & 1) != 0;
  }

  /** Writes a row to {@code out[0, words)}. */
  public void readRow(int row, long[] out) {
    Objects.checkIndex(row, rows);
    System.arraycopy(bits, row * words, out, 0, words);
  }

  /** Weights that are not zero. */
  public long count() {
    long count = 0;
    for (long word : bits) {
      count += Long.bitCount(word);
    }
    return count;
  }

  /** Weights of a row that are not zero. */
  public int count(int row) {
    int count = 0;
    for (int i = 0; i < words; i++) {
      count += Long.bitCount(bits[row * words + i]);
    }
    return count;
  }

  /**
   * Which blocks of a row of blocks hold a weight that is not zero.
   *
   * @param blockRow from 0 to {@code blocks.blockRows(rows) - 1}
   * @param out gets block j as bit {@code j % 64} of long {@code j / 64}, and 0 behind the last
   * @return how many they are
   */
  public int readBlocks(Sparsity.Blocks blocks, int blockRow, long[] out) {
    Objects.checkIndex(blockRow, blocks.blockRows(rows));
    long[] any = new long[words];
    int end = (int) Math.min(rows, (blockRow + 1L) * blocks.rows());
    for (int r = blockRow * blocks.rows(); r < end; r++) {
      for (int i = 0; i < words; i++) {
        any[i] |= bits[r * words + i];
      }
    }
    Arrays.fill(out, 0);
    int count = 0;
    for (int k = next(any, 0); k >= 0; ) {
      int block = k / blocks.columns();
      out[block / Long.SIZE] |= 1L << block;
      count++;
      k = next(any, (int) Math.min(columns, (block + 1L) * blocks.columns()));
    }
    return count;
  }

  /** The first bit that is set from one on, -1 if there is none. */
  private static int next(long[] bits, int from) {
    int i = from / Long.SIZE;
    if (i == bits.length) {
      return -1;
    }
    long word = bits[i] & -1L << from;
    while (word == 0) {
      if (++i == bits.length) {
        return -1;
      }
      word = bits[i];
    }
    return i * Long.SIZE + Long.numberOfTrailingZeros(word);
  }

  /** Blocks that hold a weight that is not zero. */
  public long count(Sparsity.Blocks blocks) {
    long[] row = new long[Math.ceilDiv(blocks.blockColumns(columns), Long.SIZE)];
    long count = 0;
    for (int i = 0; i < blocks.blockRows(rows); i++) {
      count += readBlocks(blocks, i, row);
    }
    return count;
  }

  /** Where N:M is broken first, as a message; null if it holds. */
  String breach(Sparsity.NofM pattern) {
    long[] row = new long[words];
    for (int r = 0; r < rows; r++) {
      readRow(r, row);
      int group = 0;
      int count = 0;
      for (int k = next(row, 0); k >= 0; k = next(row, k + 1)) {
        count = k / pattern.m() == group ? count + 1 : 1;
        group = k / pattern.m();
        if (count > pattern.n()) {
          return "the weight at row "
              + r
              + ", column "
              + k
              + " is one too many of those from column "
              + group * pattern.m()
              + " on that are not zero";
        }
      }
    }
    return null;
  }
}
