package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exponential of numbers up to 0, as softmax and GELU need it. For an argument from -87 to 0
 * the relative error is below 3 * 2^-24: in units of 2^-24, 0.7 from the two roundings of r, 0.2
 * from p, 0.8 from the evaluation, 1 from the last addition. Below, the result is at most exp(-87),
 * and from -88 on 0; NaN stays.
 */
final class ExponentialVector implements Exponential {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = FLOATS.length();

  // exp(x) = 2^n exp(r) with n = rint(x / ln 2) and r = x - n ln 2, where ln 2 is the sum of two
  // floats (Cody and Waite, 1980). Adding 1.5 * 2^23 rounds to an integer, which then stands in the
  // low bits. exp(r) = 1 + r + r^2 p(r): p is the Chebyshev interpolant of degree 4 of
  // (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2, coefficients rounded to f32; with exact arithmetic
  // the relative error is 1.1e-8.
  private static final float LOG2_E = 0x1.715476p+0f;
  private static final float LN2_HIGH = 0x1.62e43p-1f;
  private static final float LN2_LOW = -0x1.05c61p-29f;
  private static final float ROUND = 0x1.8p23f;
  private static final float P4 = 0x1.6d113cp-10f;
  private static final float P3 = 0x1.120ba2p-7f;
  private static final float P2 = 0x1.55551ap-5f;
  private static final float P1 = 0x1.5554dcp-3f;
  private static final float P0 = 0.5f;

  /** Here, and for all below it, n is -127 and the factor 2^n comes out as 0. */
  private static final float SMALLEST = -88;

  ExponentialVector() {}

  @Override
  public void apply(MemorySegment s, long from, int bytes, float max, float scale, long sums) {
    if (bytes < 0 || bytes % (4 * LANES) != 0) {
      throw new IllegalArgumentException("bytes must be those of whole vectors, got " + bytes);
    }
    Objects.checkFromIndexSize(from, (long) bytes, s.byteSize());
    Objects.checkFromIndexSize(sums, 4L * LANES, s.byteSize());
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int at = 0; at < bytes; at += 4 * LANES) {
      FloatVector x =
          FloatVector.fromMemorySegment(FLOATS, s, from + at, ORDER)
              .sub(FloatVector.broadcast(FLOATS, max))
              .mul(FloatVector.broadcast(FLOATS, scale))
              .max(FloatVector.broadcast(FLOATS, SMALLEST));
      FloatVector shifted =
          x.fma(FloatVector.broadcast(FLOATS, LOG2_E), FloatVector.broadcast(FLOATS, ROUND));
      FloatVector n = shifted.sub(FloatVector.broadcast(FLOATS, ROUND));
      FloatVector r =
          n.fma(
              FloatVector.broadcast(FLOATS, -LN2_LOW),
              n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), x));
      FloatVector p = r.fma(FloatVector.broadcast(FLOATS, P4), FloatVector.broadcast(FLOATS, P3));
      p = p.fma(r, FloatVector.broadcast(FLOATS, P2));
      p = p.fma(r, FloatVector.broadcast(FLOATS, P1));
      p = p.fma(r, FloatVector.broadcast(FLOATS, P0));
      p = p.fma(r.mul(r), r).add(FloatVector.broadcast(FLOATS, 1));
      // Multiplied by 2^n; adding n to the exponent would turn some NaN into numbers.
      FloatVector power =
          shifted
              .reinterpretAsInts()
              .lanewise(VectorOperators.LSHL, 23)
              .add(IntVector.broadcast(INTS, Float.floatToRawIntBits(1)))
              .reinterpretAsFloats();
      p = p.mul(power);
      p.intoMemorySegment(s, from + at, ORDER);
      sum = sum.add(p);
    }
    sum.intoMemorySegment(s, sums, ORDER);
  }

  @Override
  public float max(MemorySegment s, long from, int bytes) {
    // Floats order like integers once the bits below the sign of negative ones are flipped; unlike
    // a float maximum, that of integers needs no special cases.
    IntVector max = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    for (int at = 0; at < bytes; at += 4 * LANES) {
      IntVector x = IntVector.fromMemorySegment(INTS, s, from + at, ORDER);
      IntVector sign = x.lanewise(VectorOperators.ASHR, 31);
      max = max.max(x.lanewise(VectorOperators.XOR, sign.lanewise(VectorOperators.LSHR, 1)));
    }
    int key = max.reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(key ^ ((key >> 31) >>> 1));
  }
}
