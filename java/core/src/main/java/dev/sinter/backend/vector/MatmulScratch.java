package dev.sinter.backend.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that matmuls work in, one piece a worker, for all kernels of a backend: a worker is in one
 * of them at a time.
 */
final class MatmulScratch implements AutoCloseable {
  /** Rows of a tile at most. */
  static final int ROWS = 64;

  /** Columns of a tile: a multiple of every panel's. */
  static final int COLUMNS = 128;

  /** Inputs of codes that are turned to floats at a time. */
  static final int DEPTH = 256;

  /** The widest panel. */
  private static final int PANEL = 64;

  /**
   * @param values f32 [ROWS, panel]
   * @param spare as large, and a vector more; at least NibblePanel.SPARE_BYTES
   * @param sums int32 [panels of a tile, ROWS, panel]
   * @param split two split rows of codes
   * @param inputs f32 [ROWS, DEPTH]
   * @param weights f32 [DEPTH, panel]
   */
  record Piece(
      MemorySegment values,
      MemorySegment spare,
      MemorySegment sums,
      MemorySegment split,
      MemorySegment inputs,
      MemorySegment weights) {}

  private final Arena arena = Arena.ofShared();
  private final Piece[] pieces;

  MatmulScratch(int workers) {
    pieces = new Piece[workers];
    for (int i = 0; i < workers; i++) {
      pieces[i] =
          new Piece(
              allocate(4 * ROWS * PANEL),
              allocate(4 * ROWS * PANEL + 64),
              allocate(4 * ROWS * COLUMNS),
              allocate(2 * CodePanel.SPLIT_BYTES),
              allocate(4 * ROWS * DEPTH),
              allocate(4 * DEPTH * PANEL));
    }
  }

  private MemorySegment allocate(long bytes) {
    return arena.allocate(bytes, 64);
  }

  Piece piece(int worker) {
    return pieces[worker];
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
