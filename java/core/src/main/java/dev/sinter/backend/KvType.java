package dev.sinter.backend;

/** How a KV cache keeps keys and values. */
public enum KvType {
  /** As they are. */
  F32(4),
  /** The nearest bfloat16, halves to even. */
  BF16(2),
  /**
   * Codes from -127 to 127 with one f32 scale for the key and one for the value of each head and
   * token: {@code scale = max |x| / 127}, {@code code = rint(x / scale)}, halves to even. A vector
   * of zeros has scale 0 and codes 0; one that holds NaN or infinity has scale NaN and codes 0.
   */
  INT8(1);

  private final int bytes;

  KvType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element, without scales. */
  public int bytes() {
    return bytes;
  }
}
