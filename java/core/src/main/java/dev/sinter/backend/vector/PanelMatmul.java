package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.CompressedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the matmuls of this package have in common. Columns of the result are cut into panels four
 * vectors wide, the last one filled up with zeros; weights are packed panel by panel. With a gate
 * the first half of a panel's columns are rows of the first matrix and the others the same rows of
 * the second, so that it has all that half as many results need. A tile is 128 columns of at most
 * 64 rows; the row tiles of the same columns come one after another, so that their weights stay in
 * the cache. x and y may lie on the heap or off it.
 *
 * <p>Thread-safe for distinct workers and tiles.
 */
abstract class PanelMatmul implements MatmulKernel {
  private static final int ROWS = MatmulScratch.ROWS;

  final MatmulSpec spec;

  /** Columns of a panel. */
  final int width;

  final int panels;
  private final int bits;
  private final MatmulScratch scratch;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment bias;
  private long bytes;

  PanelMatmul(
      MatmulSpec spec, CompressedTensor source, float[] bias, int bits, MatmulScratch scratch) {
    spec.check(source, bias);
    this.spec = spec;
    this.bits = bits;
    this.scratch = scratch;
    width = bits / 8;
    panels = Math.ceilDiv(spec.n(), spec.epilogue().gate() ? width / 2 : width);
    this.bias = allocateColumns();
    for (int c = 0; bias != null && c < columns(); c++) {
      this.bias.setAtIndex(ValueLayout.JAVA_FLOAT, c, bias[row(c)]);
    }
  }

  /** Columns of the panels that are rows of the weights. */
  final int columns() {
    return spec.epilogue().gate() ? panels * width : spec.n();
  }

  /** The row that such a column is; past the last column of the result the last once more. */
  final int row(int column) {
    if (!spec.epilogue().gate()) {
      return column;
    }
    int half = width / 2;
    int of = Math.min(column / width * half + column % half, spec.n() - 1);
    return column % width < half ? of : spec.n() + of;
  }

  /** Zeroed memory that lives as long as the kernel. */
  final MemorySegment allocate(long size) {
    bytes += size;
    return LargeMemory.allocate(arena, size);
  }

  /** Room for four bytes for each column of every panel. */
  final MemorySegment allocateColumns() {
    return allocate(4L * panels * width);
  }

  /** What writes the results; scales and sums of the weights if they are codes, else null. */
  final ResultWriter writer(MemorySegment scales, MemorySegment weightSums) {
    Exponential exponential = VectorWidth.kernel(ExponentialVector.class, Exponential.class, bits);
    return VectorWidth.kernel(
        ResultWriterVector.class,
        ResultWriter.class,
        bits,
        spec.epilogue(),
        spec.n(),
        bias,
        scales,
        weightSums,
        exponential);
  }

  @Override
  public String implementation() {
    return getClass().getSimpleName() + ":" + bits;
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public int tiles(int m) {
    return Math.ceilDiv(panels * width, MatmulScratch.COLUMNS) * Math.ceilDiv(m, ROWS);
  }

  @Override
  public void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkCall(m, x, codeColumns(), y);
    int pieces = Math.ceilDiv(m, ROWS);
    int row = tile % pieces * ROWS;
    int panelsOfTile = MatmulScratch.COLUMNS / width;
    int first = tile / pieces * panelsOfTile;
    int end = Math.min(panels, first + panelsOfTile);
    run(scratch.piece(worker), x, row, Math.min(ROWS, m - row), first, end, y);
  }

  /** Computes {@code rows} rows of the panels from {@code first} to {@code end}. */
  abstract void run(
      MatmulScratch.Piece piece,
      ActivationBuffer x,
      int row,
      int rows,
      int first,
      int end,
      MemorySegment y);

  /** Later runs are an IllegalStateException. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
