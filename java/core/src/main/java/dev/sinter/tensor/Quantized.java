package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Symmetric integer weights: {@code W[n][k] = codes[n][k] * scale(n)}.
 *
 * @param bits width of a code; 8
 * @param granularity what shares a scale
 * @param codes {@code rows * columns} signed bytes, row-major
 * @param scales one per row for {@link Granularity#CHANNEL}, one in all for {@link
 *     Granularity#TENSOR}; finite and not negative
 */
public record Quantized(
    String name,
    int rows,
    int columns,
    int bits,
    Granularity granularity,
    MemorySegment codes,
    float[] scales)
    implements CompressedTensor {
  public Quantized {
    Objects.requireNonNull(name, "name");
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": rows and columns must be at least 1, got " + rows + "x" + columns);
    }
    if (bits != 8) {
      throw new IllegalArgumentException(name + ": bits must be 8, got " + bits);
    }
    if (codes.byteSize() != (long) rows * columns) {
      throw new IllegalArgumentException(
          name + ": " + codes.byteSize() + " codes for " + rows + "x" + columns + " weights");
    }
    int expected = granularity == Granularity.CHANNEL ? rows : 1;
    if (scales.length != expected) {
      throw new IllegalArgumentException(
          name + ": " + scales.length + " scales, " + granularity + " needs " + expected);
    }
    scales = scales.clone();
    for (int i = 0; i < scales.length; i++) {
      if (!(scales[i] >= 0 && scales[i] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            name + ": scale " + i + " is " + scales[i] + ", must be finite and not negative");
      }
    }
  }

  /** A copy of the scales. */
  @Override
  public float[] scales() {
    return scales.clone();
  }

  /** The scale of row {@code row}. */
  public float scale(int row) {
    return granularity == Granularity.CHANNEL ? scales[row] : scales[0];
  }

  @Override
  public long bytes() {
    return codes.byteSize() + 4L * scales.length;
  }

  @Override
  public void decodeRow(int row, float[] out) {
    float scale = scale(row);
    long base = (long) row * columns;
    for (int k = 0; k < columns; k++) {
      out[k] = codes.get(ValueLayout.JAVA_BYTE, base + k) * scale;
    }
  }
}
