package dev.sinter.compress;

import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Turns floating weights into symmetric integer codes. Thread-safe, no state.
 *
 * <p>The scale of a group is rounded to f16 before the codes are computed, which makes it half as
 * large where it is packed; unless it is so small that it would change by more than {@value
 * #F16_TOLERANCE} of itself, or too large for f16. Other scales, of which there are few, are f32.
 */
public final class Quantizer {
  private static final long ALIGNMENT = 64;

  /** A small part of the half step that codes are off anyway. */
  private static final float F16_TOLERANCE = 0x1p-8f;

  private Quantizer() {}

  /**
   * The codes of a format by the method for them: {@link #roundToNearest} for integers, {@link
   * #meanMagnitude} for ternary and binary ones.
   *
   * @throws IllegalArgumentException as these say
   */
  public static Quantized quantize(Dense weights, CodeFormat format, Arena arena) {
    return switch (format.code()) {
      case INT8, INT4 -> roundToNearest(weights, format, arena);
      case TERNARY, BINARY -> meanMagnitude(weights, format, arena);
    };
  }

  /**
   * Pruned weights as codes of the same structure: zeros stay zeros, since 0 has the code 0.
   *
   * @param pruned floating
   * @param format integers without zero points
   * @throws IllegalArgumentException for codes, for other formats (mean magnitudes would count the
   *     zeros in), or if a weight is NaN or infinite; names it
   */
  public static Sparse roundToNearest(Sparse pruned, CodeFormat format, Arena arena) {
    if (!(pruned.values() instanceof Dense dense)) {
      throw new IllegalArgumentException(pruned.name() + " is quantized already");
    }
    return new Sparse(pruned.sparsity(), roundToNearest(dense, format, arena));
  }

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
   * @param format integers without zero points
   * @param arena owns the codes, which are 64-byte aligned
   * @throws IllegalArgumentException for other formats, or if a weight is NaN or infinite; names it
   */
  public static Quantized roundToNearest(Dense weights, CodeFormat format, Arena arena) {
    if (format.zeroPoints()) {
      throw new IllegalArgumentException(
          weights.name() + ": symmetric codes have no zero points: " + format);
    }
    if (format.code() != Code.INT8 && format.code() != Code.INT4) {
      throw new IllegalArgumentException(weights.name() + ": not integers: " + format);
    }
    return encode(weights, format, scales(weights, format), arena);
  }

  /**
   * Ternary and binary codes, with the mean magnitude of what shares a scale as the scale s: the
   * sum in double, divided and rounded to f32.
   *
   * <ul>
   *   <li>Ternary: {@code q = clamp(rint(x / s), -1, 1)}, half to even, 0 if s is 0 (Ma et al., The
   *       Era of 1-bit LLMs: All Large Language Models are in 1.58 Bits, 2024, section 2, without
   *       its epsilon).
   *   <li>Binary: q is the sign of x, 1 for 0; this s is what makes the squared error least
   *       (Rastegari et al., XNOR-Net, 2016, section 3.1).
   * </ul>
   *
   * @param format of ternary or binary codes
   * @param arena owns the codes, which are 64-byte aligned
   * @throws IllegalArgumentException for other formats, or if a weight is NaN or infinite; names it
   */
  public static Quantized meanMagnitude(Dense weights, CodeFormat format, Arena arena) {
    if (format.code() != Code.TERNARY && format.code() != Code.BINARY) {
      throw new IllegalArgumentException(
          weights.name() + ": neither ternary nor binary codes: " + format);
    }
    return encode(weights, format, scales(weights, format), arena);
  }

  private static Quantized encode(Dense weights, CodeFormat format, float[] scales, Arena arena) {
    int rows = weights.rows();
    int columns = weights.columns();
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
        encode(row, g * width, Math.min(columns, (g + 1) * width), scale, format.code(), codes);
      }
      format.write(codes, all, r * rowBytes);
    }
    return new Quantized(weights.name(), rows, columns, format, all, scales, null);
  }

  /** The largest magnitudes by the largest code, or for ternary and binary codes the mean ones. */
  private static float[] scales(Dense weights, CodeFormat format) {
    boolean mean = format.code() == Code.TERNARY || format.code() == Code.BINARY;
    int columns = weights.columns();
    int width = format.groupWidth(columns);
    int groups = format.groups(columns);
    float[] row = new float[columns];
    double[] found = new double[format.scales(weights.rows(), columns)];
    long[] counts = new long[found.length];
    for (int r = 0; r < weights.rows(); r++) {
      FiniteWeights.readRow(weights, r, row);
      for (int g = 0; g < groups; g++) {
        int scale = found.length == 1 ? 0 : r * groups + g;
        int end = Math.min(columns, (g + 1) * width);
        for (int k = g * width; k < end; k++) {
          float magnitude = Math.abs(row[k]);
          found[scale] = mean ? found[scale] + magnitude : Math.max(found[scale], magnitude);
        }
        counts[scale] += end - g * width;
      }
    }
    float[] scales = new float[found.length];
    for (int i = 0; i < scales.length; i++) {
      float scale = mean ? (float) (found[i] / counts[i]) : (float) found[i] / format.maxCode();
      scales[i] = format.granularity() == Granularity.GROUP ? nearF16(scale) : scale;
    }
    return scales;
  }

  private static float nearF16(float scale) {
    float half = Float.float16ToFloat(Float.floatToFloat16(scale));
    return Math.abs(half - scale) <= F16_TOLERANCE * scale ? half : scale;
  }

  private static void encode(float[] row, int from, int to, float scale, Code code, byte[] codes) {
    for (int k = from; k < to; k++) {
      if (code == Code.BINARY) {
        codes[k] = (byte) (row[k] < 0 ? -1 : 1);
      } else {
        // rint of the exactly widened quotient is the f32 rounding.
        int q = scale == 0 ? 0 : (int) Math.rint(row[k] / scale);
        codes[k] = (byte) Math.clamp(q, -code.max(), code.max());
      }
    }
  }
}
