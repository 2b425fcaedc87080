package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The element types a checkpoint may hold. Everything is little-endian. */
public enum DType {
  F32(4, true),
  F16(2, true),
  BF16(2, true),
  I8(1, false),
  U8(1, false),
  I32(4, false),
  I64(8, false);

  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int bytes;
  private final boolean floating;

  DType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  public boolean isFloating() {
    return floating;
  }

  /**
   * Reads element {@code index} of a segment of this floating type, exactly.
   *
   * @throws IllegalArgumentException if this is not a floating type
   */
  public float readFloat(MemorySegment data, long index) {
    return switch (this) {
      case F32 -> data.get(FLOAT, index * 4);
      case F16 -> Float.float16ToFloat(data.get(SHORT, index * 2));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, index * 2) << 16);
      default -> throw new IllegalArgumentException(this + " holds no floating-point values");
    };
  }

  /** The bfloat16 nearest to a value, halves to even, as its 16 bits; NaN stays NaN. */
  public static short roundToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
      return (short) (bits >>> 16 | 0x40); // quiet, whatever was in the lower half
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }
}
