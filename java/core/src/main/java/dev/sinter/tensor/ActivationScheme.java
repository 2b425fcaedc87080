package dev.sinter.tensor;

/**
 * What a layer does to its input before it multiplies. Declared by the caller, never implied.
 *
 * <p>The 8-bit schemes quantize each row (token) as it comes. All arithmetic is in f32 with
 * rounding half to even, so that every backend gives the same codes bit for bit. A row that holds
 * NaN or infinity gets scale NaN and codes 0: its results are NaN, never a plausible number.
 */
public enum ActivationScheme {
  /** Activations stay as they are. */
  FLOAT(4, false),
  /**
   * Rounded to bfloat16, the upper half of an f32, halves to even. NaN stays NaN, and what is too
   * large becomes infinite.
   */
  BF16(2, false),
  /**
   * Unsigned, asymmetric: {@code x = (q - z) * s}. With lo = min(0, min x) and hi = max(0, max x):
   * {@code s = hi / 255 - lo / 255}, {@code z = clamp(rint(-lo / s), 0, 255)}, {@code q =
   * clamp(rint(x / s) + z, 0, 255)}; s, z and all q are 0 if s is 0.
   */
  U8_PER_TOKEN(1, true),
  /**
   * Signed, symmetric: {@code x = q * s} with {@code s = max |x| / 127} and {@code q = clamp(rint(x
   * / s), -127, 127)}; s and all q are 0 if s is 0.
   */
  S8_PER_TOKEN(1, true);

  private final int bytes;
  private final boolean scaled;

  ActivationScheme(int bytes, boolean scaled) {
    this.bytes = bytes;
    this.scaled = scaled;
  }

  /** Bytes of one element as a matmul reads it. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are codes that a scale of their row decodes. */
  public boolean isScaled() {
    return scaled;
  }
}
