package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * int8 and int4 weights, in groups or not, and f32 activations. Weights are decoded to floats piece
 * by piece, which rounds once, and multiplied as in {@link MatmulF32Vector}: each result is one
 * chain of fused multiply-adds in the order of k.
 *
 * <p>Codes lie by half panels, in these by vectors of ints as {@link WeightPanelVector} takes them.
 */
final class MatmulWeightOnlyVector extends PanelMatmul {
  private static final int NO_ZERO_POINT = 8;

  private final WeightPanel decoder;
  private final FloatPanel panel;
  private final ResultWriter writer;
  private final MemorySegment weights;
  private final MemorySegment scales; // f32 [groups, columns of all panels]
  private final MemorySegment centers; // int32 likewise, or zeros for all
  private final long centerStride; // bytes from group to group
  private final int bits;
  private final int group;
  private final int together; // inputs in an int lane
  private final int ints; // vectors of ints of half a panel

  MatmulWeightOnlyVector(
      MatmulSpec spec, Quantized source, float[] bias, int vectorBits, MatmulScratch scratch) {
    super(spec, source, bias, vectorBits, scratch);
    try {
      bits = source.format().bits();
      group = source.format().groupWidth(spec.k());
      together = Integer.SIZE / bits / 2;
      ints = Math.ceilDiv(spec.k(), together);
      decoder = VectorWidth.kernel(WeightPanelVector.class, WeightPanel.class, vectorBits);
      panel = VectorWidth.kernel(FloatPanelVector.class, FloatPanel.class, vectorBits);
      writer = writer(null, null);
      int groups = source.format().groups(spec.k());
      boolean zeroPoints = source.zeroPoints() != null;
      long stride = columnBytes();
      centerStride = zeroPoints ? stride : 0;
      scales = allocate(groups * stride);
      centers = allocate(zeroPoints ? groups * stride : stride);
      weights = allocate(2L * panels * ints * width);
      byte[] row = new byte[spec.k()];
      for (int c = 0; c < columns(); c++) {
        source.readCodes(row(c), row);
        pack(row, c);
        for (int g = 0; g < groups; g++) {
          scales.set(ValueLayout.JAVA_FLOAT, g * stride + 4L * c, source.scale(row(c), g));
          if (zeroPoints) {
            int center = source.zeroPoint(row(c), g) - NO_ZERO_POINT;
            centers.set(CodePanel.INT, g * stride + 4L * c, center);
          }
        }
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private long columnBytes() {
    return 4L * panels * width;
  }

  private void pack(byte[] row, int column) {
    int half = width / 2;
    int lanes = half / 2;
    int inHalf = column % half;
    int mask = (1 << bits) - 1;
    for (int k = 0; k < row.length; k++) {
      long at = weightsAt(column / half, k) + 4L * (inHalf % lanes);
      int code = k % together * 2 + inHalf / lanes;
      int packed = weights.get(CodePanel.INT, at) | (row[k] & mask) << bits * code;
      weights.set(CodePanel.INT, at, packed);
    }
  }

  /** Byte of the vector of half a panel that has an input. */
  private long weightsAt(int halfPanel, int k) {
    return ((long) halfPanel * ints + k / together) * width;
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
    for (int p = first; p < end; p++) {
      for (int from = 0; from < k; from += MatmulScratch.DEPTH) {
        int count = Math.min(MatmulScratch.DEPTH, k - from);
        long half = 2L * width * Math.ceilDiv(count, together) * together;
        decode(2 * p, from, count, piece.weights(), 0);
        decode(2 * p + 1, from, count, piece.weights(), half);
        panel.multiply(
            x.data(),
            4 * ((long) row * k + from),
            4L * k,
            rows,
            piece.weights(),
            0,
            half,
            count,
            piece.values(),
            from > 0);
      }
      writer.finish(piece.values(), rows, p, piece.spare());
      writer.write(piece.values(), rows, p, y, row);
    }
  }

  /** Decodes {@code count} inputs of half a panel, group by group. */
  private void decode(int halfPanel, int from, int count, MemorySegment out, long outAt) {
    long columns = 2L * width * halfPanel;
    for (int k = from, some; k < from + count; k += some) {
      int g = k / group;
      some = Math.min(from + count, (g + 1) * group) - k;
      decoder.decode(
          weights,
          weightsAt(halfPanel, k),
          bits,
          Math.ceilDiv(some, together) * together,
          scales,
          g * columnBytes() + columns,
          centers,
          g * centerStride + columns,
          out,
          outAt + 2L * width * (k - from));
    }
  }
}
