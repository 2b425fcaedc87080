package dev.sinter.tensor;

/**
 * Which weights of a matrix may be absent together, which decides what a kernel can skip. Says
 * nothing of how the others are coded: any structure goes with floating weights and with codes.
 *
 * <p>Columns are those that are stored, which matters for weights in a {@link ColumnOrder}.
 */
public sealed interface Sparsity {
  /** Any weight may be absent. On its own only few kernels gain from it. */
  Unstructured UNSTRUCTURED = new Unstructured();

  /** The short name, {@code 16x4}, {@code 2:4} or {@code unstructured}; see {@link #of}. */
  String id();

  /**
   * The structure of an {@link #id}.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Sparsity of(String id) {
    if (id.equals(UNSTRUCTURED.id())) {
      return UNSTRUCTURED;
    }
    String[] parts = id.split("[x:]", -1);
    try {
      if (parts.length == 2) {
        int first = Integer.parseInt(parts[0]);
        int second = Integer.parseInt(parts[1]);
        return id.contains(":") ? new NofM(first, second) : new Blocks(first, second);
      }
    } catch (NumberFormatException e) {
      // is no id, as any other text
    }
    throw new IllegalArgumentException(
        "unknown sparsity '" + id + "', expected for example 16x4, 2:4 or unstructured");
  }

  /**
   * A grid of blocks from the first row and column on, the last ones cut off where the matrix ends;
   * a block is absent if all its weights are zero. Holds for every matrix.
   *
   * @param rows of a block, output channels
   * @param columns of a block, inputs
   */
  record Blocks(int rows, int columns) implements Sparsity {
    public Blocks {
      if (rows < 1 || columns < 1 || (rows == 1 && columns == 1)) {
        throw new IllegalArgumentException(
            "blocks have at least 1 row, 1 column and 2 weights, got " + rows + "x" + columns);
      }
    }

    /** Blocks that lie above each other in a matrix with so many rows. */
    public int blockRows(int matrixRows) {
      return Math.ceilDiv(matrixRows, rows);
    }

    /** Blocks that lie side by side in a matrix with so many columns. */
    public int blockColumns(int matrixColumns) {
      return Math.ceilDiv(matrixColumns, columns);
    }

    /** Blocks of a matrix, those that are cut off among them. */
    public long count(int matrixRows, int matrixColumns) {
      return (long) blockRows(matrixRows) * blockColumns(matrixColumns);
    }

    @Override
    public String id() {
      return rows + "x" + columns;
    }

    @Override
    public String toString() {
      return id() + " blocks";
    }
  }

  /**
   * Of every m weights of a row, side by side and counted from its first one, at most n are not
   * zero; likewise of the last ones of a row where they are fewer.
   *
   * @param n at least 1
   * @param m above n, at most {@value #MAX_M}
   */
  record NofM(int n, int m) implements Sparsity {
    /** Positions in a group fit a byte and its mask a long. */
    public static final int MAX_M = 64;

    public NofM {
      if (n < 1 || n >= m || m > MAX_M) {
        throw new IllegalArgumentException(
            "N:M has N from 1 to M - 1 and M up to " + MAX_M + ", got " + n + ":" + m);
      }
    }

    @Override
    public String id() {
      return n + ":" + m;
    }

    @Override
    public String toString() {
      return id();
    }
  }

  /** No structure: zeros are where they are. */
  record Unstructured() implements Sparsity {
    @Override
    public String id() {
      return "unstructured";
    }

    @Override
    public String toString() {
      return id();
    }
  }
}
