package dev.sinter.backend.onednn;

/**
 * Cuts M rows into pieces of 64, 32, 16, 8, 4, 2 and 1 rows: as many of 64 as fit, then the binary
 * digits of what is left. So seven primitives serve every M exactly, without padding and without
 * one being created later, and the cut depends on M alone.
 */
final class RowBuckets {
  /** Rows of the buckets, by index. */
  static final int[] SIZES = {1, 2, 4, 8, 16, 32, 64};

  private static final int LARGEST = 64;

  private RowBuckets() {}

  /** Number of pieces. */
  static int pieces(int m) {
    return m / LARGEST + Integer.bitCount(m % LARGEST);
  }

  /** Index in {@link #SIZES} of the bucket of a piece. */
  static int bucket(int m, int piece) {
    if (piece < m / LARGEST) {
      return SIZES.length - 1;
    }
    return 31 - Integer.numberOfLeadingZeros(rest(m, piece));
  }

  /** First row of a piece. */
  static int firstRow(int m, int piece) {
    return piece < m / LARGEST ? piece * LARGEST : m - rest(m, piece);
  }

  /** Rows from the start of this piece, one of the small ones, to the end. */
  private static int rest(int m, int piece) {
    int rest = m % LARGEST;
    for (int i = m / LARGEST; i < piece; i++) {
      rest &= ~Integer.highestOneBit(rest);
    }
    return rest;
  }
}
