package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * int4 weights, in groups or not, and 8-bit activations; ternary and binary weights as int4 ones,
 * which takes more room than they need. The int32 sums of a group are exact, and one fused
 * multiply-add with its scale adds them to an f32 sum, in the order of the groups.
 *
 * <p>Weights lie in the order in which a row of inputs meets them: for each tile, for each {@link
 * NibblePanel#MAX_SPLIT} inputs, for each half of a panel. So memory is read from front to back
 * while the inputs, widened, stay in the first cache.
 */
final class MatmulInt4Vector extends PanelMatmul {
  /** Largest K whose sums of (q - z) * u, at most 255 * 15 each, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 15);

  private static final int NO_ZERO_POINT = 8;

  private final CodePanel codes;
  private final NibblePanel panel;
  private final ResultWriter writer;
  private final NibblePanel.Groups groups;
  private final MemorySegment weights;
  private final int half; // columns of half a panel
  private final int k; // filled up with weights of 0

  MatmulInt4Vector(
      MatmulSpec spec, Quantized source, float[] bias, int bits, MatmulScratch scratch) {
    super(spec, source, bias, bits, scratch);
    try {
      k = Math.ceilDiv(spec.k(), CodePanel.GROUP) * CodePanel.GROUP;
      half = width / 2;
      codes = VectorWidth.kernel(CodePanelVector.class, CodePanel.class, bits);
      panel = VectorWidth.kernel(NibblePanelVector.class, NibblePanel.class, bits);
      writer = writer(null, null);
      groups = groups(source);
      weights = allocate((long) panels * width * k / 2);
      byte[] row = new byte[spec.k()];
      for (int c = 0; c < columns(); c++) {
        source.readCodes(row(c), row);
        pack(row, c);
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private NibblePanel.Groups groups(Quantized source) {
    int count = source.format().groups(spec.k());
    long stride = 4L * panels * width;
    boolean zeroPoints = source.zeroPoints() != null;
    MemorySegment scales = allocate(count * stride);
    MemorySegment centers = allocate(zeroPoints ? count * stride : 4L * width);
    for (int i = 0; !zeroPoints && i < width; i++) {
      centers.setAtIndex(CodePanel.INT, i, NO_ZERO_POINT);
    }
    for (int g = 0; g < count; g++) {
      for (int c = 0; c < columns(); c++) {
        scales.set(ValueLayout.JAVA_FLOAT, g * stride + 4L * c, source.scale(row(c), g));
        if (zeroPoints) {
          centers.set(CodePanel.INT, g * stride + 4L * c, source.zeroPoint(row(c), g));
        }
      }
    }
    int steps = Math.ceilDiv(source.format().groupWidth(spec.k()), NibblePanel.STEP);
    int lastStep = (spec.k() - 1) / NibblePanel.STEP;
    return new NibblePanel.Groups(
        steps, count, lastStep, scales, centers, stride, zeroPoints ? stride : 0);
  }

  private void pack(byte[] row, int column) {
    int lanes = half / 2;
    int inHalf = column % half;
    long at = 4L * (inHalf % lanes) + 2L * (inHalf / lanes);
    for (int i = 0; i < row.length; i++) {
      int from = i / NibblePanel.MAX_SPLIT * NibblePanel.MAX_SPLIT;
      long vector = weightsAt(column / half, from) + (long) (i - from) / 4 * width;
      long to = vector + at + i % 4 / 2;
      int nibble = row[i] + NO_ZERO_POINT << i % 2 * 4;
      byte before = weights.get(ValueLayout.JAVA_BYTE, to);
      weights.set(ValueLayout.JAVA_BYTE, to, (byte) (before | nibble));
    }
  }

  /**
   * Byte of the weights of half a panel, of all of them in order, from an input of MAX_SPLIT on.
   */
  private long weightsAt(int halfPanel, int from) {
    int halvesOfTile = MatmulScratch.COLUMNS / half;
    int first = halfPanel / halvesOfTile * halvesOfTile;
    int inTile = Math.min(halvesOfTile, 2 * panels - first);
    int count = Math.min(NibblePanel.MAX_SPLIT, k - from);
    return half
        * ((long) first * k + (long) inTile * from + (long) (halfPanel - first) * count)
        / 2;
  }

  @Override
  public int codeColumns() {
    return k;
  }

  @Override
  public int sumStep() {
    return groups.count() > 1 ? groups.steps() * NibblePanel.STEP : 0;
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
    if (x.sumStep() != sumStep()) {
      throw new IllegalArgumentException(
          "input with sums of " + x.sumStep() + " values, asked for " + sumStep());
    }
    for (int p = first; p < end; p++) {
      codes.clear(piece.sums(), at(p - first, 0), 4L * width * rows);
      codes.clear(piece.weights(), at(p - first, 0), 4L * width * rows);
    }
    for (int from = 0; from < k; from += NibblePanel.MAX_SPLIT) {
      for (int r = 0; r < rows; r++) {
        accumulate(piece, x, row + r, r, from, first, end);
      }
    }
    for (int p = first; p < end; p++) {
      for (int r = 0; r < rows; r++) {
        float scale = x.scales().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (row + r));
        writer.scale(piece.weights(), at(p - first, r), scale, piece.values(), 4L * width * r);
      }
      writer.finish(piece.values(), rows, p, piece.spare());
      writer.write(piece.values(), rows, p, y, row);
    }
  }

  private void accumulate(
      MatmulScratch.Piece piece,
      ActivationBuffer x,
      int row,
      int tileRow,
      int from,
      int first,
      int end) {
    int count = Math.min(NibblePanel.MAX_SPLIT, k - from);
    boolean signed = x.scheme() == ActivationScheme.S8_PER_TOKEN;
    int zeroPoint = x.zeroPoints().get(ValueLayout.JAVA_INT_UNALIGNED, 4L * row);
    boolean stepSums = groups.count() > 1;
    panel.split(x.data(), (long) row * k + from, signed, zeroPoint, count, piece.split());
    for (int h = 2 * first; h < 2 * end; h++) {
      panel.addProducts(
          piece.split(),
          from / NibblePanel.STEP,
          count / NibblePanel.STEP,
          weights,
          weightsAt(h, from),
          groups,
          4L * half * h,
          groups.centerStride() == 0 ? 0 : 4L * half * h,
          stepSums ? x.stepSums() : x.sums(),
          stepSums ? 4L * row * groups.count() : 4L * row,
          piece.sums(),
          piece.weights(),
          at(h / 2 - first, tileRow) + 4L * half * (h % 2),
          piece.spare());
    }
  }

  /** Byte of what belongs to a row of a panel of the tile, 4 bytes a column. */
  private long at(int tilePanel, int row) {
    return 4L * width * ((long) tilePanel * MatmulScratch.ROWS + row);
  }
}
