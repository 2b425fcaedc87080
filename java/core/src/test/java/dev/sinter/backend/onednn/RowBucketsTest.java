package dev.sinter.backend.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RowBucketsTest {
  @Test
  void piecesCoverEveryRowOnceInOrder() {
    for (int m = 1; m <= 400; m++) {
      int next = 0;
      for (int piece = 0; piece < RowBuckets.pieces(m); piece++) {
        assertEquals(next, RowBuckets.firstRow(m, piece), "m=" + m + " piece=" + piece);
        next += RowBuckets.SIZES[RowBuckets.bucket(m, piece)];
      }
      assertEquals(m, next);
    }
  }

  @Test
  void columnTilesCoverEveryColumnOnce() {
    for (int n = 1; n <= 5000; n++) {
      ColumnTiles tiles = new ColumnTiles(n);
      int next = 0;
      for (int t = 0; t < tiles.count(); t++) {
        assertEquals(next, tiles.start(t), "n=" + n);
        assertTrue(tiles.width(t) >= 1 && tiles.width(t) <= 256, "n=" + n);
        boolean asTheFirst = tiles.width(t) == tiles.width(0);
        assertTrue(asTheFirst || t == tiles.count() - 1, "n=" + n);
        next += tiles.width(t);
      }
      assertEquals(n, next);
    }
  }
}
