package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * int8 weights and 8-bit activations: int32 sums, exact, then one scaling. A few rows are
 * multiplied as shorts, more of them as floats, which hold every sum of {@link MatmulScratch#DEPTH}
 * products exactly: at most 256 * 128 * 128 = 2^22.
 *
 * <p>The sum over {@code (q - z) w} is that over {@code (u - 127) w}, see {@link CodePanelVector},
 * and a multiple of the sum of w that is known when weights are packed. It fits int32 up to {@link
 * #MAX_K}; sums on the way may wrap.
 */
final class MatmulInt8Vector extends PanelMatmul {
  /** Largest K for which {@code K * 255 * 128} is an int. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 128);

  /** From so many rows on, decoding the weights to floats pays. */
  private static final int FLOAT_ROWS = 4;

  private final CodePanel codes;
  private final FloatPanel panel;
  private final ResultWriter writer;
  private final MemorySegment weights;
  private final MemorySegment sums; // of the weights of a column
  private final int k; // filled up to whole groups, with weights of 0

  MatmulInt8Vector(
      MatmulSpec spec, Quantized source, float[] bias, int bits, MatmulScratch scratch) {
    super(spec, source, bias, bits, scratch);
    try {
      k = Math.ceilDiv(spec.k(), CodePanel.GROUP) * CodePanel.GROUP;
      codes = VectorWidth.kernel(CodePanelVector.class, CodePanel.class, bits);
      panel = VectorWidth.kernel(FloatPanelVector.class, FloatPanel.class, bits);
      MemorySegment scales = allocateColumns();
      sums = allocateColumns();
      weights = allocate((long) panels * width * k);
      writer = writer(scales, sums);
      for (int c = 0; c < columns(); c++) {
        scales.setAtIndex(ValueLayout.JAVA_FLOAT, c, source.scale(row(c)));
        sums.setAtIndex(CodePanel.INT, c, pack(source.codes(), row(c), c));
      }
      for (int c = columns(); c < panels * width; c++) {
        pack(null, 0, c);
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Packs a row as a column, zeros if it has no source, and returns the sum of its weights. */
  private int pack(MemorySegment source, int row, int column) {
    int lanes = width / 4;
    int inPanel = column % width;
    int half = inPanel / (2 * lanes);
    // The int lane of a pair, and the half of that: see CodePanelVector.
    long at = 4L * (inPanel % lanes) + 2L * (inPanel / lanes % 2);
    int sum = 0;
    for (int i = 0; i < k; i++) {
      boolean stored = source != null && i < spec.k();
      byte w = stored ? source.get(ValueLayout.JAVA_BYTE, (long) row * spec.k() + i) : 0;
      sum += w;
      int from = i / MatmulScratch.DEPTH * MatmulScratch.DEPTH;
      int pairs = Math.min(MatmulScratch.DEPTH, k - from) / 2;
      int inGroup = i % width;
      int pair = (i - from - inGroup) / 2 + inGroup / 4 + inGroup % 4 / 2 * lanes;
      long vector = weightsAt(column / width, from) + (long) width * (half * pairs + pair);
      boolean first = i % 2 == 0;
      weights.set(
          ValueLayout.JAVA_BYTE, vector + at + (first ? 0 : 1), (byte) (first ? w ^ 0x80 : w));
    }
    return sum;
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
      MatmulScratch.Piece piece, ActivationBuffer input, int row, int rows, int first, int end) {
    MemorySegment x = input.data();
    int flip = input.scheme() == ActivationScheme.S8_PER_TOKEN ? 0x80808080 : 0;
    // Products of shorts need twice the sums; the scratch has rows to spare.
    int used = rows < FLOAT_ROWS ? 2 * rows : rows;
    for (int p = first; p < end; p++) {
      codes.clear(piece.sums(), sumsAt(p - first, 0), 4L * width * used);
    }
    if (rows < FLOAT_ROWS) {
      accumulateShorts(piece, x, flip, row, rows, first, end);
    } else {
      accumulateFloats(piece, x, flip, row, rows, first, end);
    }
  }

  private void accumulateShorts(
      MatmulScratch.Piece piece, MemorySegment x, int flip, int row, int rows, int first, int end) {
    for (int from = 0; from < k; from += CodePanel.MAX_SPLIT) {
      int count = Math.min(CodePanel.MAX_SPLIT, k - from);
      for (int r = 0; r < rows; r++) {
        codes.split(x, (long) (row + r) * k + from, flip, count, piece.split());
        for (int p = first; p < end; p++) {
          long at = sumsAt(p - first, 2 * r);
          codes.dot(piece.split(), count, weights, weightsAt(p, from), piece.sums(), at);
        }
      }
    }
    for (int p = first; p < end; p++) {
      for (int r = 0; r < rows; r++) {
        codes.join(piece.sums(), sumsAt(p - first, 2 * r), k, sumsAt(p - first, r));
      }
    }
  }

  private void accumulateFloats(
      MatmulScratch.Piece piece, MemorySegment x, int flip, int row, int rows, int first, int end) {
    int depth = MatmulScratch.DEPTH;
    for (int from = 0; from < k; from += depth) {
      int count = Math.min(depth, k - from);
      for (int r = 0; r < rows; r++) {
        long at = (long) (row + r) * k + from;
        codes.toFloats(x, at, flip, count, piece.inputs(), 4L * depth * r);
      }
      for (int p = first; p < end; p++) {
        codes.decode(weights, weightsAt(p, from), count, piece.weights());
        panel.multiply(
            piece.inputs(),
            0,
            4L * depth,
            rows,
            piece.weights(),
            0,
            2L * width * count,
            count,
            piece.values(),
            false);
        codes.add(piece.values(), piece.sums(), sumsAt(p - first, 0), rows * width);
      }
    }
  }

  /** Byte of the sums of a row of a panel of the tile. */
  private long sumsAt(int tilePanel, int row) {
    return 4L * width * ((long) tilePanel * MatmulScratch.ROWS + row);
  }

  /**
   * Byte of the weights of a panel from input {@code from}, a multiple of DEPTH, on. They lie in
   * the order in which a row of inputs meets them: for each tile, for each DEPTH inputs, for each
   * panel.
   */
  private long weightsAt(int p, int from) {
    int panelsOfTile = MatmulScratch.COLUMNS / width;
    int first = p / panelsOfTile * panelsOfTile;
    int inTile = Math.min(panelsOfTile, panels - first);
    int count = Math.min(MatmulScratch.DEPTH, k - from);
    return (long) width * ((long) first * k + (long) inTile * from + (long) (p - first) * count);
  }
}
