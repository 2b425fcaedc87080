package dev.sinter.backend.onednn;

/**
 * Cuts N into equal tiles of at most 256 columns, a multiple of 64 (the block oneDNN packs by),
 * with a narrower last one. Narrow enough that one row of tokens keeps several workers busy and
 * that the weights of a tile stay in the level 2 cache; wide enough for full speed.
 */
final class ColumnTiles {
  private static final int WIDEST = 256;
  private static final int BLOCK = 64;

  private final int n;
  private final int width;
  private final int count;

  ColumnTiles(int n) {
    this.n = n;
    int tiles = (n + WIDEST - 1) / WIDEST;
    int even = (n + tiles - 1) / tiles;
    width = Math.min(n, (even + BLOCK - 1) / BLOCK * BLOCK);
    count = (n + width - 1) / width;
  }

  int count() {
    return count;
  }

  /** First column of a tile. */
  int start(int tile) {
    return tile * width;
  }

  /** Columns of a tile; only the last may be narrower than the first. */
  int width(int tile) {
    return Math.min(width, n - tile * width);
  }
}
