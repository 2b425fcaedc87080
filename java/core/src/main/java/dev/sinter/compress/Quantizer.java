package dev.sinter.compress;

import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Turns floating weights into symmetric integer codes. Thread-safe, no state. */
public final class Quantizer {
  private static final long ALIGNMENT = 64;

  private Quantizer() {}

  /** The same without groups. */
  public static Quantized roundToNearest(
      Dense weights, int bits, Granularity granularity, Arena arena) {
    return roundToNearest(weights, new CodeFormat(bits, granularity, 0, false), arena);
  }

  /**
   * Rounds each weight to the nearest code: {@code s = amax / c}, {@code q = clamp(rint(x / s), -c,
   * c)}, in f32 and half to even, where c is the largest code (127, or 7 for 4 bits) and amax the
   * largest magnitude of what shares a scale. If s is 0 (all weights are 0, or amax is so small
   * that the quotient underflows) the codes are 0.
   *
   * @param format without zero points
   * @param arena owns the codes, which are 64-byte aligned
   * @throws IllegalArgumentException for zero points, or if a weight is NaN or infinite; names it
   */
  public static Quantized roundToNearest(Dense weights, CodeFormat format, Arena arena) {
    if (format.zeroPoints()) {
      throw new IllegalArgumentException(
          weights.name() + ": symmetric codes have no zero points: " + format);
    }
    int rows = weights.rows();
    int columns = weights.columns();
    float[] scales = scales(weights, format);
    float[] row = new float[columns];
    byte[] codes = new byte[columns];
    int width = format.groupWidth(columns);
    int groups = format.groups(columns);
    long rowBytes = format.rowBytes(columns);
    MemorySegment all = arena.allocate(rows * rowBytes, ALIGNMENT);
    for (int r = 0; r < rows; r++) {
      weights.decodeRow(r, row);
      for (int g = 0; g < groups; g++) {
        float scale = scales[scales.length == 1 ? 0 : r * groups + g];
        encode(row, g * width, Math.min(columns, (g + 1) * width), scale, format.maxCode(), codes);
      }
      format.write(codes, all, r * rowBytes);
    }
    return new Quantized(weights.name(), rows, columns, format, all, scales, null);
  }

  private static float[] scales(Dense weights, CodeFormat format) {
    int columns = weights.columns();
    int width = format.groupWidth(columns);
    int groups = format.groups(columns);
    float[] row = new float[columns];
    float[] scales = new float[format.scales(weights.rows(), columns)];
    for (int r = 0; r < weights.rows(); r++) {
      weights.decodeRow(r, row);
      for (int g = 0; g < groups; g++) {
        int scale = scales.length == 1 ? 0 : r * groups + g;
        int end = Math.min(columns, (g + 1) * width);
        scales[scale] = Math.max(scales[scale], maximum(weights, r, row, g * width, end));
      }
    }
    for (int i = 0; i < scales.length; i++) {
      scales[i] /= format.maxCode();
    }
    return scales;
  }

  private static float maximum(Dense weights, int r, float[] row, int from, int to) {
    float max = 0;
    for (int k = from; k < to; k++) {
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

  private static void encode(
      float[] row, int from, int to, float scale, int maxCode, byte[] codes) {
    for (int k = from; k < to; k++) {
      // rint of the exactly widened quotient is the f32 rounding.
      int q = scale == 0 ? 0 : (int) Math.rint(row[k] / scale);
      codes[k] = (byte) Math.clamp(q, -maxCode, maxCode);
    }
  }
}
