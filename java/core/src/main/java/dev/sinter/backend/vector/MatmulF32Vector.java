package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Dense;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * f32 weights, in half panels [K, width / 2]. Each result is one chain of fused multiply-adds in
 * the order of k, so a row's results depend on nothing but that row.
 */
final class MatmulF32Vector extends PanelMatmul {
  /**
   * Values of k whose weights stay in the L2 cache while the rows pass by: only the first of them
   * read memory, and each time they begin it takes a while to deliver.
   */
  private static final int DEPTH = 2048;

  private final FloatPanel panel;
  private final ResultWriter writer;
  private final MemorySegment weights;

  MatmulF32Vector(MatmulSpec spec, Dense source, float[] bias, int bits, MatmulScratch scratch) {
    super(spec, source, bias, bits, scratch);
    try {
      panel = VectorWidth.kernel(FloatPanelVector.class, FloatPanel.class, bits);
      writer = writer(null, null);
      weights = allocate(4L * panels * width * spec.k());
      pack(source);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void pack(Dense source) {
    float[] row = new float[spec.k()];
    for (int c = 0; c < columns(); c++) {
      source.decodeRow(row(c), row);
      int half = width / 2;
      long at = (long) (c / half) * half * spec.k() + c % half;
      for (int k = 0; k < spec.k(); k++) {
        weights.setAtIndex(ValueLayout.JAVA_FLOAT, at + (long) k * half, row[k]);
      }
    }
  }

  @Override
  public int codeColumns() {
    return spec.k();
  }

  @Override
  void run(
      MatmulScratch.Piece piece,
      ActivationBuffer x,
      int row,
      int rows,
      int first,
      int end,
      MemorySegment y) {
    int k = spec.k();
    int depth = rows == 1 ? k : DEPTH;
    for (int p = first; p < end; p++) {
      // Half by half: weights are one stream then, which memory delivers sooner than two by turns.
      for (int half = 0; half < 2; half++) {
        for (int from = 0; from < k; from += depth) {
          panel.multiplyHalf(
              x.data(),
              4 * ((long) row * k + from),
              4L * k,
              rows,
              weights,
              2L * width * ((2L * p + half) * k + from),
              Math.min(depth, k - from),
              piece.values(),
              2L * width * half,
              from > 0);
        }
      }
      writer.finish(piece.values(), rows, p, piece.spare());
      writer.write(piece.values(), rows, p, y, row);
    }
  }
}
