package dev.sinter.tensor;

/**
 * Where the weights of a matrix are in compressed sparse rows (CSR): the columns of row r are
 * {@code columnIndices[rowPointers[r]]} up to {@code columnIndices[rowPointers[r + 1] - 1]}, and
 * the values lie in the same order; see {@link Sparse#scatter}. Immutable.
 *
 * @param rowPointers one more than rows, from 0 to the number of indices, none below the one before
 * @param columnIndices those of a row ascending, none twice
 */
public record Csr(int rows, int columns, int[] rowPointers, int[] columnIndices) {
  /**
   * @throws IllegalArgumentException for pointers and indices that are not as above, unsorted ones
   *     too: their values would have to follow them; says which
   */
  public Csr {
    rowPointers = rowPointers.clone();
    columnIndices = columnIndices.clone();
    if (rows < 1 || columns < 1 || rowPointers.length - 1 != rows) {
      throw new IllegalArgumentException(
          "CSR of " + rows + "x" + columns + " with " + rowPointers.length + " row pointers");
    }
    if (rowPointers[0] != 0 || rowPointers[rows] != columnIndices.length) {
      throw new IllegalArgumentException(
          "CSR: the row pointers go from "
              + rowPointers[0]
              + " to "
              + rowPointers[rows]
              + ", must be from 0 to the number of column indices, "
              + columnIndices.length);
    }
    for (int r = 0; r < rows; r++) {
      if (rowPointers[r + 1] < rowPointers[r]) {
        throw new IllegalArgumentException(
            "CSR: row pointer "
                + (r + 1)
                + " is "
                + rowPointers[r + 1]
                + ", less than the one before, "
                + rowPointers[r]);
      }
    }
    for (int r = 0; r < rows; r++) { // once all pointers are known to be in range
      check(r, columns, rowPointers, columnIndices);
    }
  }

  private static void check(int row, int columns, int[] rowPointers, int[] columnIndices) {
    int before = -1;
    for (int i = rowPointers[row]; i < rowPointers[row + 1]; i++) {
      int column = columnIndices[i];
      if (column < 0 || column >= columns || column <= before) {
        throw new IllegalArgumentException(
            "CSR, row "
                + row
                + ": column index "
                + i
                + " is "
                + column
                + (column < 0 || column >= columns
                    ? ", must be 0 to " + (columns - 1)
                    : column == before ? " again" : ", which comes after " + before));
      }
      before = column;
    }
  }

  /**
   * The weights of a mask.
   *
   * @throws ArithmeticException if they are 2^31 or more
   */
  public static Csr of(Mask mask) {
    int[] rowPointers = new int[mask.rows() + 1];
    int[] columnIndices = new int[Math.toIntExact(mask.count())];
    int next = 0;
    for (int r = 0; r < mask.rows(); r++) {
      for (int k = 0; k < mask.columns(); k++) {
        if (mask.isPresent(r, k)) {
          columnIndices[next++] = k;
        }
      }
      rowPointers[r + 1] = next;
    }
    return new Csr(mask.rows(), mask.columns(), rowPointers, columnIndices);
  }

  /** The same as bits. */
  public Mask mask() {
    return Mask.of(rows, columns, rowPointers, columnIndices);
  }

  /** A copy of the row pointers. */
  @Override
  public int[] rowPointers() {
    return rowPointers.clone();
  }

  /** A copy of the column indices. */
  @Override
  public int[] columnIndices() {
    return columnIndices.clone();
  }
}
