package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The formulas of {@link ActivationScheme}, bit for bit: true divisions, and no operation whose
 * result depends on the order of the elements.
 *
 * <p>Rounding: adding 1.5 * 2^23 to a float v rounds it half to even to an integer n, which the low
 * bits of the sum hold, if |v| <= 2^22. Here |x / s| <= 383: s is a sum or quotient rounded at most
 * three times, so that |x / s| stays below 256 while s is normal. Where it is not, s is a whole
 * number of units u = 2^-149 and at least u, each quotient in it was rounded by at most u / 2, and
 * |x| <= 255 (s + u / 2) gives |x / s| <= 255 * 1.5; the bound for -lo / s is the same.
 *
 * <p>Writes exactly the rows it is asked for. Thread-safe for distinct rows.
 */
final class QuantizeRowsVector implements QuantizeKernel {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  private static final int LANES = FLOATS.length();

  /** Codes of one vector. There is none of 4 bytes: with 4 lanes, the upper half is zeros. */
  private static final VectorSpecies<Byte> CODES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * LANES)));

  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final float ROUND = 0x1.8p23f;
  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
  private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

  private final QuantizeSpec spec;
  private final int width;
  private final ActivationScheme scheme;

  QuantizeRowsVector(QuantizeSpec spec) {
    this.spec = spec;
    width = spec.width();
    scheme = spec.scheme();
  }

  @Override
  public String implementation() {
    return "QuantizeRowsVector:" + FLOATS.vectorBitSize();
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(MemorySegment x, ActivationBuffer out, int from, int to) {
    if (!out.fits(spec) || to > out.rows()) {
      throw new IllegalArgumentException(
          "output of "
              + out.rows()
              + " rows of "
              + out.columns()
              + " "
              + out.scheme()
              + ", asked for "
              + to
              + " rows of "
              + width
              + " "
              + scheme);
    }
    boolean signed = scheme == ActivationScheme.S8_PER_TOKEN;
    for (int row = from; row < to; row++) {
      long source = 4L * row * width;
      int lowKey = lowest(x, source);
      int highKey = highest(x, source);
      boolean finite = highKey < INFINITY && lowKey > ordered(INFINITY | Integer.MIN_VALUE);
      float low = Float.intBitsToFloat(ordered(lowKey));
      float high = Float.intBitsToFloat(ordered(highKey));
      float scale = signed ? Math.max(-low, high) / 127 : high / 255 - low / 255;
      int zeroPoint = 0;
      if (!finite) {
        scale = Float.NaN;
      } else if (!signed && scale != 0) {
        zeroPoint = Math.clamp((int) Math.rint(-low / scale), 0, 255);
      }
      long target = (long) row * out.stride();
      int sum = 0;
      if (!finite || scale == 0) {
        for (int k = 0; k < out.stride(); k++) {
          out.data().set(JAVA_BYTE, target + k, (byte) 0);
        }
      } else {
        int min = signed ? -127 : 0;
        int max = signed ? 127 : 255;
        sum = encode(x, source, out.data(), target, scale, zeroPoint, min, max);
        for (int k = width; k < out.stride(); k++) {
          out.data().set(JAVA_BYTE, target + k, (byte) zeroPoint);
        }
      }
      out.scales().set(JAVA_FLOAT_UNALIGNED, 4L * row, scale);
      out.zeroPoints().set(JAVA_INT_UNALIGNED, 4L * row, zeroPoint);
      out.sums().set(JAVA_INT_UNALIGNED, 4L * row, sum - width * zeroPoint);
      if (spec.sumStep() != 0) {
        addSteps(out, row, signed, zeroPoint);
      }
    }
  }

  private void addSteps(ActivationBuffer out, int row, boolean signed, int zeroPoint) {
    long codes = (long) row * out.stride();
    for (int step = 0; step < spec.stepSums(); step++) {
      int from = step * spec.sumStep();
      int end = Math.min(width, from + spec.sumStep());
      int sum = 0;
      for (int k = from; k < end; k++) {
        byte code = out.data().get(JAVA_BYTE, codes + k);
        sum += (signed ? code : code & 0xFF) - zeroPoint;
      }
      long index = (long) row * spec.stepSums() + step;
      out.stepSums().set(JAVA_INT_UNALIGNED, 4 * index, sum);
    }
  }

  /** Writes the codes of a row and returns their sum. */
  private int encode(
      MemorySegment x,
      long source,
      MemorySegment codes,
      long target,
      float scale,
      int zeroPoint,
      int min,
      int max) {
    FloatVector divisor = FloatVector.broadcast(FLOATS, scale);
    FloatVector round = FloatVector.broadcast(FLOATS, ROUND);
    IntVector offset = IntVector.broadcast(INTS, zeroPoint - ROUND_BITS);
    IntVector lowest = IntVector.broadcast(INTS, min);
    IntVector highest = IntVector.broadcast(INTS, max);
    IntVector sums = IntVector.zero(INTS);
    int k = 0;
    // A store of more codes than a vector has stays within the row, and the next one mends it.
    for (; k <= width - CODES.length(); k += LANES) {
      IntVector code =
          FloatVector.fromMemorySegment(FLOATS, x, source + 4L * k, ORDER)
              .div(divisor)
              .add(round)
              .reinterpretAsInts()
              .add(offset)
              .max(lowest)
              .min(highest);
      sums = sums.add(code);
      ((ByteVector) code.convertShape(VectorOperators.I2B, CODES, 0))
          .intoMemorySegment(codes, target + k, ORDER);
    }
    int sum = sums.reduceLanes(VectorOperators.ADD);
    for (; k < width; k++) {
      int rounded = (int) Math.rint(x.get(JAVA_FLOAT_UNALIGNED, source + 4L * k) / scale);
      int code = Math.clamp(rounded + zeroPoint, min, max);
      codes.set(JAVA_BYTE, target + k, (byte) code);
      sum += code;
    }
    return sum;
  }

  /**
   * The key of min(0, min x), see {@link #ordered}. A negative NaN has a key below that of negative
   * infinity.
   */
  private int lowest(MemorySegment x, long source) {
    IntVector lowest = IntVector.zero(INTS);
    int k = 0;
    for (; k <= width - LANES; k += LANES) {
      IntVector bits = IntVector.fromMemorySegment(INTS, x, source + 4L * k, ORDER);
      IntVector signs = bits.lanewise(VectorOperators.ASHR, 31);
      lowest =
          lowest.min(bits.lanewise(VectorOperators.XOR, signs.lanewise(VectorOperators.LSHR, 1)));
    }
    int low = lowest.reduceLanes(VectorOperators.MIN);
    for (; k < width; k++) {
      low = Math.min(low, ordered(x.get(JAVA_INT_UNALIGNED, source + 4L * k)));
    }
    return low;
  }

  /** The key of max(0, max x). A positive NaN has a key above that of infinity. */
  private int highest(MemorySegment x, long source) {
    IntVector highest = IntVector.zero(INTS);
    int k = 0;
    for (; k <= width - LANES; k += LANES) {
      IntVector bits = IntVector.fromMemorySegment(INTS, x, source + 4L * k, ORDER);
      IntVector signs = bits.lanewise(VectorOperators.ASHR, 31);
      highest =
          highest.max(bits.lanewise(VectorOperators.XOR, signs.lanewise(VectorOperators.LSHR, 1)));
    }
    int high = highest.reduceLanes(VectorOperators.MAX);
    for (; k < width; k++) {
      high = Math.max(high, ordered(x.get(JAVA_INT_UNALIGNED, source + 4L * k)));
    }
    return high;
  }

  /**
   * Maps float bits to integers that order like the floats, and back: flips the bits below the sign
   * of a negative number. Integers have a minimum without the special cases of floats.
   */
  private static int ordered(int bits) {
    return bits ^ ((bits >> 31) >>> 1);
  }
}
