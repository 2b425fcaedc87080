package dev.sinter.backend.vector;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Mask;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * f32 or int8 weights without the inputs that half a panel of columns has no weight for, whatever
 * their structure. What is left of an input row is gathered, once for each half panel, and
 * multiplied as dense weights are: so this gains from blocks as high as half a panel, 8 columns at
 * 128 bits to 32 at 512, and else where few weights are left.
 *
 * <p>f32 results are those of {@link MatmulF32Vector}, as the order of what is added is the same;
 * but an absent input hides NaN and infinity. Codes are multiplied as floats, which hold the sums
 * of {@link MatmulScratch#DEPTH} products exactly: at most 256 * 128 * 128 = 2^22; int32 sums of
 * those may wrap on the way, and the results are those of {@link MatmulInt8Vector}.
 */
final class MatmulSparseVector extends PanelMatmul {
  private static final int DEPTH = MatmulScratch.DEPTH;
  private static final int QUAD = 4;

  private final FloatPanel panel;
  private final QuadPanel quads; // of int8 only, as what follows
  private final CodePanel sums;
  private final ResultWriter writer;
  private final KeptInputs kept; // of each half panel
  private final MemorySegment weights;

  MatmulSparseVector(
      MatmulSpec spec, Sparse source, float[] bias, int bits, MatmulScratch scratch) {
    super(spec, source, bias, bits, scratch);
    try {
      panel = VectorWidth.kernel(FloatPanelVector.class, FloatPanel.class, bits);
      kept = kept(spec, source.mask(), bits);
      int half = width / 2;
      if (source.full() instanceof Quantized codes) {
        quads = VectorWidth.kernel(QuadPanelVector.class, QuadPanel.class, bits);
        sums = VectorWidth.kernel(CodePanelVector.class, CodePanel.class, bits);
        MemorySegment scales = allocateColumns();
        MemorySegment weightSums = allocateColumns();
        weights = allocate((long) half * kept.inputs().length);
        writer = writer(scales, weightSums);
        for (int c = 0; c < spec.n(); c++) {
          scales.setAtIndex(ValueLayout.JAVA_FLOAT, c, codes.scale(c));
          weightSums.setAtIndex(CodePanel.INT, c, pack(codes, c));
        }
      } else {
        quads = null;
        sums = null;
        weights = allocate(4L * half * kept.inputs().length);
        writer = writer(null, null);
        for (int c = 0; c < spec.n(); c++) {
          pack((Dense) source.full(), c);
        }
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static KeptInputs kept(MatmulSpec spec, Mask mask, int bits) {
    int panels = Math.ceilDiv(spec.n(), bits / 8);
    return KeptInputs.of(mask, bits / 16, 2 * panels, spec.codes() == null ? 1 : QUAD);
  }

  /** The share of the weights that are multiplied. */
  static double density(MatmulSpec spec, Mask mask, int bits) {
    KeptInputs kept = kept(spec, mask, bits);
    return (double) kept.inputs().length / ((kept.starts().length - 1.0) * mask.columns());
  }

  private void pack(Dense source, int column) {
    float[] row = new float[spec.k()];
    source.decodeRow(column, row);
    int half = width / 2;
    int strip = column / half;
    long at = (long) half * kept.starts()[strip] + column % half;
    for (int i = 0; i < kept.count(strip); i++) {
      float w = row[kept.inputs()[kept.starts()[strip] + i]];
      weights.setAtIndex(ValueLayout.JAVA_FLOAT, at + (long) half * i, w);
    }
  }

  /** Returns the sum of the column's weights. */
  private int pack(Quantized source, int column) {
    byte[] row = new byte[spec.k()];
    source.readIntegers(column, row);
    int half = width / 2;
    int strip = column / half;
    long at = (long) half * kept.starts()[strip] + QUAD * (column % half);
    for (int i = 0; i < kept.count(strip); i++) {
      if (!kept.isRepeated(strip, i)) {
        byte w = row[kept.inputs()[kept.starts()[strip] + i]];
        long to = at + (long) half * (i / QUAD * QUAD) + i % QUAD;
        weights.set(ValueLayout.JAVA_BYTE, to, w);
      }
    }
    int sum = 0;
    for (byte w : row) {
      sum += w;
    }
    return sum;
  }

  /** That of the dense kernels, so that a layer may have both forms. */
  @Override
  public int codeColumns() {
    return quads == null ? spec.k() : Math.ceilDiv(spec.k(), CodePanel.GROUP) * CodePanel.GROUP;
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
    for (int p = first; p < end; p++) {
      if (quads == null) {
        accumulate(piece, x, row, rows, p);
      } else {
        accumulateCodes(piece, x, row, rows, p);
        for (int r = 0; r < rows; r++) {
          writer.scale(
              piece.sums(),
              4L * width * r,
              correction(x, row + r),
              x.scales().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (row + r)),
              p,
              piece.values(),
              4L * width * r);
        }
      }
      writer.finish(piece.values(), rows, p, piece.spare());
      writer.write(piece.values(), rows, p, y, row);
    }
  }

  /** What times the sum of a column's weights completes a sum over {@code (u - 128) w}. */
  private static int correction(ActivationBuffer x, int row) {
    return x.scheme() == ActivationScheme.S8_PER_TOKEN
        ? 0
        : 128 - x.zeroPoints().get(ValueLayout.JAVA_INT_UNALIGNED, 4L * row);
  }

  private void accumulate(MatmulScratch.Piece piece, ActivationBuffer x, int row, int rows, int p) {
    for (int from = 0; from == 0 || from < longest(p); from += DEPTH) {
      for (int half = 0; half < 2; half++) {
        int strip = 2 * p + half;
        int count = count(strip, from);
        int start = kept.starts()[strip] + from;
        for (int r = 0; r < rows; r++) {
          gather(x.data(), 4L * (row + r) * spec.k(), start, count, piece.inputs(), r);
        }
        multiply(piece, rows, weights, 2L * width * start, count, half, from > 0);
      }
    }
  }

  private void accumulateCodes(
      MatmulScratch.Piece piece, ActivationBuffer x, int row, int rows, int p) {
    int flip = x.scheme() == ActivationScheme.S8_PER_TOKEN ? 0 : 0x80;
    sums.clear(piece.sums(), 0, 4L * width * rows);
    for (int from = 0; from < longest(p); from += DEPTH) {
      for (int half = 0; half < 2; half++) {
        int strip = 2 * p + half;
        int count = count(strip, from);
        int start = kept.starts()[strip] + from;
        for (int r = 0; r < rows; r++) {
          long at = (long) (row + r) * codeColumns();
          gatherCodes(x.data(), at, flip, start, count, piece.inputs(), r);
        }
        quads.decode(weights, width / 2 * (long) start, count, piece.weights());
        multiply(piece, rows, piece.weights(), 0, count, half, false);
      }
      sums.add(piece.values(), piece.sums(), 0, rows * width);
    }
  }

  private void multiply(
      MatmulScratch.Piece piece,
      int rows,
      MemorySegment w,
      long wAt,
      int depth,
      int half,
      boolean add) {
    panel.multiplyHalf(
        piece.inputs(), 0, 4L * DEPTH, rows, w, wAt, depth, piece.values(), 2L * width * half, add);
  }

  private int longest(int p) {
    return Math.max(kept.count(2 * p), kept.count(2 * p + 1));
  }

  /** Inputs of a strip among the DEPTH from {@code from} on. */
  private int count(int strip, int from) {
    return Math.clamp(kept.count(strip) - from, 0, DEPTH);
  }

  /** Inputs of a row that begins at byte {@code at}, to row {@code r} of {@code out}. */
  private void gather(MemorySegment x, long at, int start, int count, MemorySegment out, int r) {
    int[] inputs = kept.inputs();
    for (int i = 0; i < count; i++) {
      float v = x.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4L * inputs[start + i]);
      out.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * ((long) DEPTH * r + i), v);
    }
  }

  /** The same for codes, which become floats. */
  private void gatherCodes(
      MemorySegment x, long at, int flip, int start, int count, MemorySegment out, int r) {
    int[] inputs = kept.inputs();
    for (int i = 0; i < count; i++) {
      byte code = (byte) (x.get(ValueLayout.JAVA_BYTE, at + inputs[start + i]) ^ flip);
      out.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * ((long) DEPTH * r + i), code);
    }
  }
}
