package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The element types a checkpoint may hold, by the names that safetensors gives them. Everything is
 * little-endian.
 */
public enum DType {
  F64(8, true),
  F32(4, true),
  F16(2, true),
  /** The upper half of an F32. */
  BF16(2, true),
  /**
   * 4 bits of exponent, 3 of mantissa, no infinities (E4M3 in Micikevicius et al., FP8 Formats for
   * Deep Learning, 2022). Largest value 448.
   */
  F8_E4M3(1, true),
  /** The upper half of an F16 (E5M2 in the same article). */
  F8_E5M2(1, true),
  I64(8, false),
  I32(4, false),
  I16(2, false),
  I8(1, false),
  U64(8, false),
  U32(4, false),
  U16(2, false),
  U8(1, false),
  /** One byte, 0 or 1. */
  BOOL(1, false);

  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
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
   * Reads element {@code index} of a segment of this floating type: exactly, but for F64, which is
   * rounded to the nearest float.
   *
   * @throws IllegalArgumentException if this is not a floating type
   */
  public float readFloat(MemorySegment data, long index) {
    return switch (this) {
      case F64 -> (float) data.get(DOUBLE, index * 8);
      case F32 -> data.get(FLOAT, index * 4);
      case F16 -> Float.float16ToFloat(data.get(SHORT, index * 2));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, index * 2) << 16);
      case F8_E4M3 -> e4m3ToFloat(data.get(ValueLayout.JAVA_BYTE, index));
      case F8_E5M2 ->
          Float.float16ToFloat((short) (data.get(ValueLayout.JAVA_BYTE, index) << Byte.SIZE));
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

  private static float e4m3ToFloat(byte bits) {
    int exponent = bits >> 3 & 0xF;
    int mantissa = bits & 0x7;
    float magnitude;
    if (exponent == 0xF && mantissa == 0x7) {
      magnitude = Float.NaN;
    } else if (exponent == 0) {
      magnitude = mantissa * 0x1p-9f;
    } else {
      magnitude = Math.scalb(8 + mantissa, exponent - 10);
    }
    return bits < 0 ? -magnitude : magnitude;
  }
}
