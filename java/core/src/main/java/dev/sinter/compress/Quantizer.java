package dev.sinter.compress;

import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Turns floating weights into symmetric integer codes. Thread-safe, no state. */
public final class Quantizer {
  private static final long ALIGNMENT = 64;
  private static final int MAX_CODE = 127;

  private Quantizer() {}

  /**
   * Rounds each weight to the nearest code: {@code s = amax / 127}, {@code q = clamp(rint(x / s),
   * -127, 127)}, in f32 and half to even, where amax is the largest magnitude of the row or of the
   * matrix. If s is 0 (all weights are 0, or amax is so small that the quotient underflows) the
   * codes are 0.
   *
   * @param bits 8
   * @param arena owns the codes, which are 64-byte aligned
   * @throws IllegalArgumentException for other bits, or if a weight is NaN or infinite; names it
   */
  public static Quantized roundToNearest(
      Dense weights, int bits, Granularity granularity, Arena arena) {
    if (bits != 8) {
      throw new IllegalArgumentException(weights.name() + ": bits must be 8, got " + bits);
    }
    int rows = weights.rows();
    int columns = weights.columns();
    float[] row = new float[columns];
    float[] rowMaximum = new float[rows];
    for (int r = 0; r < rows; r++) {
      weights.decodeRow(r, row);
      rowMaximum[r] = maximum(weights, r, row);
    }
    float[] scales =
        switch (granularity) {
          case CHANNEL -> rowMaximum;
          case TENSOR -> new float[] {maximum(rowMaximum)};
        };
    for (int i = 0; i < scales.length; i++) {
      scales[i] /= MAX_CODE;
    }
    MemorySegment codes = arena.allocate((long) rows * columns, ALIGNMENT);
    for (int r = 0; r < rows; r++) {
      float scale = scales[granularity == Granularity.CHANNEL ? r : 0];
      if (scale != 0) { // the codes of the others are 0 already
        weights.decodeRow(r, row);
        encode(row, scale, codes, (long) r * columns);
      }
    }
    return new Quantized(weights.name(), rows, columns, bits, granularity, codes, scales);
  }

  private static float maximum(Dense weights, int r, float[] row) {
    float max = 0;
    for (int k = 0; k < row.length; k++) {
      float magnitude = Math.abs(row[k]);
      if (!(magnitude < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            weights.name()
                + ": the weight at row "
                + r
                + ", column "
                + k
                + " is "
                + row[k]
                + ", only finite weights can be quantized");
      }
      max = Math.max(max, magnitude);
    }
    return max;
  }

  private static float maximum(float[] values) {
    float max = 0;
    for (float v : values) {
      max = Math.max(max, v);
    }
    return max;
  }

  private static void encode(float[] row, float scale, MemorySegment codes, long base) {
    for (int k = 0; k < row.length; k++) {
      // rint of the exactly widened quotient is the f32 rounding.
      int q = (int) Math.rint(row[k] / scale);
      codes.set(ValueLayout.JAVA_BYTE, base + k, (byte) Math.clamp(q, -MAX_CODE, MAX_CODE));
    }
  }
}
