package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * int8 weights and 8-bit activations: int32 sums, exact, then one scaling.
 *
 * <p>The sum over {@code (q - z) w} is that over {@code (u - 127) w}, see {@link CodePanelVector},
 * and a multiple of the sum of w that is known when weights are packed. It fits int32 up to {@link
 * #MAX_K}; sums on the way may wrap.
 *
 * <p>Weights lie in rows, one a column of the result. First come those of the first half of the
 * columns of all tiles, then the others: a tile reads two streams that go on in the next one. A
 * core fetches two ahead at once, and finds its pace anew wherever one jumps.
 */
final class MatmulInt8Vector extends PanelMatmul {
  /** Largest K for which {@code K * 255 * 128} is an int. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 128);

  private static final int STREAM = MatmulScratch.COLUMNS / 2; // columns of a tile in each

  private final CodePanel codes;
  private final ResultWriter writer;
  private final MemorySegment weights;
  private final MemorySegment sums; // of the weights of a column
  private final int tiles;
  private final int k; // filled up to whole groups, with weights of 0

  MatmulInt8Vector(
      MatmulSpec spec, Quantized source, float[] bias, int bits, MatmulScratch scratch) {
    super(spec, source, bias, bits, scratch);
    try {
      k = Math.ceilDiv(spec.k(), CodePanel.GROUP) * CodePanel.GROUP;
      codes = VectorWidth.kernel(CodePanelVector.class, CodePanel.class, bits);
      MemorySegment scales = allocateColumns();
      sums = allocateColumns();
      tiles = Math.ceilDiv(panels * width, MatmulScratch.COLUMNS);
      weights = allocate((long) tiles * MatmulScratch.COLUMNS * k);
      for (long i = 0; i < weights.byteSize(); i += 4) { // where nothing is packed, weights of 0
        weights.set(CodePanel.INT, i, 0x00800080);
      }
      writer = writer(scales, sums);
      for (int c = 0; c < columns(); c++) {
        scales.setAtIndex(ValueLayout.JAVA_FLOAT, c, source.scale(row(c)));
        sums.setAtIndex(CodePanel.INT, c, pack(source.codes(), row(c), c));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Packs the row that is a column and returns the sum of its weights. */
  private int pack(MemorySegment source, int row, int column) {
    long to = weightsAt(column);
    int sum = 0;
    for (int i = 0; i < spec.k(); i++) {
      byte w = source.get(ValueLayout.JAVA_BYTE, (long) row * spec.k() + i);
      sum += w;
      weights.set(ValueLayout.JAVA_BYTE, to + i, (byte) (i % 2 == 0 ? w ^ 0x80 : w));
    }
    return sum;
  }

  /** Byte of the weights of a column. */
  private long weightsAt(int column) {
    int tile = column / MatmulScratch.COLUMNS;
    int inTile = column % MatmulScratch.COLUMNS;
    long row = (long) inTile / STREAM * tiles * STREAM + tile * STREAM + inTile % STREAM;
    return row * k;
  }

  @Override
  public int codeColumns() {
    return k;
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
    accumulate(piece, x, row, rows, first, end);
    for (int p = first; p < end; p++) {
      for (int r = 0; r < rows; r++) {
        writer.scale(
            piece.sums(),
            sumsAt(p - first, r),
            correction(x, row + r),
            x.scales().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (row + r)),
            p,
            piece.values(),
            4L * width * r);
      }
      writer.finish(piece.values(), rows, p, piece.spare());
      writer.write(piece.values(), rows, p, y, row);
    }
  }

  /** What times the sum of a column's weights completes a sum over {@code (u - 127) w}. */
  private static int correction(ActivationBuffer x, int row) {
    return x.scheme() == ActivationScheme.S8_PER_TOKEN
        ? -1
        : 127 - x.zeroPoints().get(ValueLayout.JAVA_INT_UNALIGNED, 4L * row);
  }

  /**
   * The integer accumulators of a tile, int32 [rows, columns of its panels]: for tests that compare
   * them bit for bit. See {@link #run} for the arguments.
   */
  int[] accumulators(
      MatmulScratch.Piece piece, ActivationBuffer x, int row, int rows, int first, int end) {
    accumulate(piece, x, row, rows, first, end);
    int columns = (end - first) * width;
    int[] result = new int[rows * columns];
    for (int i = 0; i < result.length; i++) {
      int r = i / columns;
      int c = i % columns;
      int sum = piece.sums().get(CodePanel.INT, sumsAt(c / width, r) + 4L * (c % width));
      int weightSum = sums.getAtIndex(CodePanel.INT, (long) first * width + c);
      result[i] = sum + correction(x, row + r) * weightSum;
    }
    return result;
  }

  private void accumulate(
      MatmulScratch.Piece piece, ActivationBuffer x, int row, int rows, int first, int end) {
    for (int p = first; p < end; p++) {
      codes.clear(piece.sums(), sumsAt(p - first, 0), 4L * width * rows);
    }
    int columns = Math.min(STREAM, (end - first) * width);
    for (int from = 0; from < k; from += CodePanel.MAX_SPLIT) {
      int count = Math.min(CodePanel.MAX_SPLIT, k - from);
      long a = weightsAt(first * width) + from;
      long b = a + (long) tiles * STREAM * k;
      int r = 0;
      for (; r < rows - 1; r += 2) {
        split(piece, x, row + r, from, count, 0);
        split(piece, x, row + r + 1, from, count, CodePanel.SPLIT_BYTES);
        for (int c = 0; c < columns; c += 2) {
          codes.dotPairs(
              piece.split(),
              count,
              weights,
              a + (long) c * k,
              b + (long) c * k,
              k,
              piece.sums(),
              sumAt(c, r),
              sumAt(STREAM + c, r),
              4L * width);
        }
      }
      if (r < rows) {
        split(piece, x, row + r, from, count, 0);
        for (int c = 0; c < columns; c++) {
          codes.dot(
              piece.split(),
              count,
              weights,
              a + (long) c * k,
              b + (long) c * k,
              piece.sums(),
              sumAt(c, r),
              sumAt(STREAM + c, r));
        }
      }
    }
  }

  private void split(
      MatmulScratch.Piece piece, ActivationBuffer x, int row, int from, int count, long to) {
    short flip = x.scheme() == ActivationScheme.S8_PER_TOKEN ? (short) 0x8080 : 0;
    codes.split(x.data(), (long) row * k + from, flip, count, piece.split(), to);
  }

  /** Byte of the sum of a row and a column of the tile. */
  private long sumAt(int column, int row) {
    return sumsAt(column / width, row) + 4L * (column % width);
  }

  /** Byte of the sums of a row of a panel of the tile. */
  private long sumsAt(int tilePanel, int row) {
    return 4L * width * ((long) tilePanel * MatmulScratch.ROWS + row);
  }
}
