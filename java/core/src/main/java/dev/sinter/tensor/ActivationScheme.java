package dev.sinter.tensor;

/**
 * What a layer does to its input before it multiplies. Declared by the caller, never implied.
 *
 * <p>The 8-bit schemes quantize each row (token) as it comes. All arithmetic is in f32 with
 * rounding half to even, so that every backend gives the same codes bit for bit. A row that holds
 * NaN or infinity gets scale NaN and codes 0: its results are NaN, never a plausible number.
 *
 * <p>The schemes in groups do the same to every 32 or 128 values of a row, side by side, the last
 * of them fewer, as if each such group were a row. Outliers then cost the values near them their
 * accuracy and no others.
 */
public enum ActivationScheme {
  /** Activations stay as they are. */
  FLOAT(4, Codes.NONE, 0),
  /**
   * Rounded to bfloat16, the upper half of an f32, halves to even. NaN stays NaN, and what is too
   * large becomes infinite. A subnormal value, below 2^-126, counts as itself or as 0, as the CPU's
   * instruction for bfloat16 has it; so do such weights in bfloat16 and such sums.
   */
  BF16(2, Codes.NONE, 0),
  /**
   * Unsigned, asymmetric: {@code x = (q - z) * s}. With lo = min(0, min x) and hi = max(0, max x):
   * {@code s = hi / 255 - lo / 255}, {@code z = clamp(rint(-lo / s), 0, 255)}, {@code q =
   * clamp(rint(x / s) + z, 0, 255)}; s, z and all q are 0 if s is 0.
   */
  U8_PER_TOKEN(1, Codes.U8, 0),
  /**
   * Signed, symmetric: {@code x = q * s} with {@code s = max |x| / 127} and {@code q = clamp(rint(x
   * / s), -127, 127)}; s and all q are 0 if s is 0.
   */
  S8_PER_TOKEN(1, Codes.S8, 0),
  /** {@link #U8_PER_TOKEN} in groups of 32. */
  U8_PER_GROUP_32(1, Codes.U8, 32),
  /** {@link #U8_PER_TOKEN} in groups of 128. */
  U8_PER_GROUP_128(1, Codes.U8, 128),
  /** {@link #S8_PER_TOKEN} in groups of 32. */
  S8_PER_GROUP_32(1, Codes.S8, 32),
  /** {@link #S8_PER_TOKEN} in groups of 128. */
  S8_PER_GROUP_128(1, Codes.S8, 128);

  private enum Codes {
    NONE,
    U8,
    S8
  }

  private final int bytes;
  private final Codes codes;
  private final int group;

  ActivationScheme(int bytes, Codes codes, int group) {
    this.bytes = bytes;
    this.codes = codes;
    this.group = group;
  }

  /** Bytes of one element as a matmul reads it. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are codes that a scale decodes. */
  public boolean isScaled() {
    return codes != Codes.NONE;
  }

  /** Whether elements are codes with zero points, unsigned unless a kernel wants them lower. */
  public boolean isAsymmetric() {
    return codes == Codes.U8;
  }

  /** Values of a row of {@code columns} that share a scale and a zero point: all, or a group. */
  public int groupWidth(int columns) {
    return group == 0 ? columns : Math.min(group, columns);
  }

  /** Groups of a row of {@code columns}, the last of which may be short; 1 without groups. */
  public int groups(int columns) {
    return Math.ceilDiv(columns, groupWidth(columns));
  }
}
