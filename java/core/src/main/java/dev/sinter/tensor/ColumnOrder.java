package dev.sinter.tensor;

import java.util.Arrays;

/**
 * The order in which the columns of a weight matrix are stored: stored column i is column {@code
 * column(i)} of the matrix. GPTQ with {@code desc_act} (Frantar et al., 2022) quantizes columns by
 * how much they matter and groups those that come together; stored in that order, groups lie side
 * by side, and activations are put in the same order while they are quantized. Immutable.
 */
public final class ColumnOrder {
  private final int[] columns;
  private final int hash;

  /**
   * @param columns each of 0 to length - 1 once
   * @throws IllegalArgumentException if it is no permutation
   */
  public ColumnOrder(int[] columns) {
    this.columns = columns.clone();
    hash = Arrays.hashCode(this.columns);
    boolean[] seen = new boolean[this.columns.length];
    for (int i = 0; i < seen.length; i++) {
      int column = this.columns[i];
      if (column < 0 || column >= seen.length) {
        throw new IllegalArgumentException(
            "column order: entry " + i + " is " + column + ", must be 0 to " + (seen.length - 1));
      }
      if (seen[column]) {
        throw new IllegalArgumentException(
            "column order: column " + column + " comes again as entry " + i);
      }
      seen[column] = true;
    }
  }

  /**
   * @throws IllegalArgumentException unless it is for matrices that wide
   */
  public void check(int width) {
    if (columns.length != width) {
      throw new IllegalArgumentException(
          "column order of " + columns.length + " for " + width + " columns");
    }
  }

  /** The column of the matrix that is stored as column {@code i}. */
  public int column(int i) {
    return columns[i];
  }

  /** A copy of all columns. */
  public int[] columns() {
    return columns.clone();
  }

  @Override
  public boolean equals(Object o) {
    return this == o
        || (o instanceof ColumnOrder other
            && hash == other.hash
            && Arrays.equals(columns, other.columns));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return "an order of " + columns.length + " columns";
  }
}
