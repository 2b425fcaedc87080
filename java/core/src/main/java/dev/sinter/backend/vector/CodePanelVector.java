package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops of a matmul on 8-bit codes, exact in every step.
 *
 * <p>Inputs are taken as {@code u - 127}, -127 to 128, where u is the unsigned code, or the signed
 * one plus 128. Weights are -128 to 127. With the vector length in ints as L, a panel is 4 L
 * columns wide. Inputs come in groups of 4 L: pairs 4 j, 4 j + 1 for j from 0 to L, then pairs 4 j
 * + 2, 4 j + 3, the order in which {@link #split} finds them. The first 2 L columns and the others
 * lie apart, half a panel each: a pair is a vector of either, whose int lane j holds
 *
 * <pre>
 * w[k][j] + 128, w[k+1][j], w[k][j+L] + 128, w[k+1][j+L]       a byte each
 * </pre>
 *
 * <p>{@link #dot} sees such a vector as shorts {@code t = 256 b + a + 128}, with the weights a and
 * b of two inputs x and y, of column j in the lower half of an int lane and of j + L in the upper.
 * Two products are at least -2 * 128 * 128 = -32768 and at most 2 * 127 * 128 = 32512, so that
 *
 * <pre>
 * a x + b y + 32768 = t x + b (y - 256 x) + (32768 - 128 x)   modulo 2^16, with b = t >> 8
 * </pre>
 *
 * is exact as an unsigned short: one shift, two multiplications and two additions of shorts. As an
 * int lane, this is {@code 65536 high + low}: sums of whole lanes and of upper halves give both
 * columns, modulo 2^32.
 */
final class CodePanelVector implements CodePanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final int LANES = INTS.length();
  private static final long VECTOR = INTS.vectorByteSize();
  private static final long PANEL = 4 * VECTOR;

  // The parts of a split row: the factors of t and b and the summand, one int a pair with the value
  // in both halves, to be broadcast.
  private static final long PART = 2 * MAX_SPLIT;

  CodePanelVector() {}

  @Override
  public void split(MemorySegment codes, long at, int flip, int count, MemorySegment out) {
    IntVector flips = IntVector.broadcast(INTS, flip);
    IntVector ones = IntVector.broadcast(INTS, 0xFF);
    IntVector zero = IntVector.broadcast(INTS, 127);
    IntVector half = IntVector.broadcast(INTS, 32768);
    IntVector lower = IntVector.broadcast(INTS, 0xFFFF);
    for (int k = 0; k < count; k += 4 * LANES) {
      for (int i = 0; i < 2; i++) {
        IntVector u =
            IntVector.fromMemorySegment(INTS, codes, at + k, ORDER)
                .lanewise(VectorOperators.XOR, flips);
        u = u.lanewise(VectorOperators.LSHR, 16 * i);
        IntVector x = u.and(ones).sub(zero);
        IntVector y = u.lanewise(VectorOperators.LSHR, 8).and(ones).sub(zero);
        IntVector factor = y.sub(x.lanewise(VectorOperators.LSHL, 8));
        IntVector summand = half.sub(x.lanewise(VectorOperators.LSHL, 7));
        long to = 2L * k + i * VECTOR;
        x.and(lower).or(x.lanewise(VectorOperators.LSHL, 16)).intoMemorySegment(out, to, ORDER);
        factor
            .and(lower)
            .or(factor.lanewise(VectorOperators.LSHL, 16))
            .intoMemorySegment(out, to + PART, ORDER);
        summand
            .and(lower)
            .or(summand.lanewise(VectorOperators.LSHL, 16))
            .intoMemorySegment(out, to + 2 * PART, ORDER);
      }
    }
  }

  @Override
  public void dot(
      MemorySegment split, int count, MemorySegment w, long wAt, MemorySegment sums, long at) {
    for (int half = 0; half < 2; half++) {
      long sumAt = at + half * VECTOR;
      addProducts(split, count, w, wAt + half * (count / 2) * VECTOR, sums, sumAt);
    }
  }

  private static void addProducts(
      MemorySegment split, int count, MemorySegment w, long wAt, MemorySegment sums, long at) {
    IntVector whole = IntVector.fromMemorySegment(INTS, sums, at, ORDER);
    IntVector upper = IntVector.fromMemorySegment(INTS, sums, at + PANEL, ORDER);
    for (int i = 0; i < count / 2; i++) {
      ShortVector x = IntVector.broadcast(INTS, split.get(INT, 4L * i)).reinterpretAsShorts();
      ShortVector y =
          IntVector.broadcast(INTS, split.get(INT, 4L * i + PART)).reinterpretAsShorts();
      ShortVector z =
          IntVector.broadcast(INTS, split.get(INT, 4L * i + 2 * PART)).reinterpretAsShorts();
      ShortVector t =
          IntVector.fromMemorySegment(INTS, w, wAt + i * VECTOR, ORDER).reinterpretAsShorts();
      IntVector p =
          t.mul(x).add(t.lanewise(VectorOperators.ASHR, 8).mul(y)).add(z).reinterpretAsInts();
      whole = whole.add(p);
      upper = upper.add(p.lanewise(VectorOperators.LSHR, 16));
    }
    whole.intoMemorySegment(sums, at, ORDER);
    upper.intoMemorySegment(sums, at + PANEL, ORDER);
  }

  @Override
  public void clear(MemorySegment sums, long from, long bytes) {
    for (long i = 0; i < bytes; i += VECTOR) {
      IntVector.zero(INTS).intoMemorySegment(sums, from + i, ORDER);
    }
  }

  @Override
  public void join(MemorySegment sums, long at, int count, long to) {
    IntVector shift = IntVector.broadcast(INTS, 32768 * (count / 2));
    // The second first: what it writes over is not read any more.
    for (int i = 1; i >= 0; i--) {
      IntVector whole = IntVector.fromMemorySegment(INTS, sums, at + i * VECTOR, ORDER);
      IntVector upper = IntVector.fromMemorySegment(INTS, sums, at + PANEL + i * VECTOR, ORDER);
      IntVector lower = whole.sub(upper.lanewise(VectorOperators.LSHL, 16));
      lower.sub(shift).intoMemorySegment(sums, to + 2 * i * VECTOR, ORDER);
      upper.sub(shift).intoMemorySegment(sums, to + (2 * i + 1) * VECTOR, ORDER);
    }
  }

  @Override
  public void toFloats(
      MemorySegment codes, long at, int flip, int count, MemorySegment out, long outAt) {
    IntVector flips = IntVector.broadcast(INTS, flip);
    IntVector ones = IntVector.broadcast(INTS, 0xFF);
    IntVector zero = IntVector.broadcast(INTS, 127);
    for (int k = 0; k < count; k += 4 * LANES) {
      for (int i = 0; i < 4; i++) {
        IntVector u =
            IntVector.fromMemorySegment(INTS, codes, at + k, ORDER)
                .lanewise(VectorOperators.XOR, flips);
        IntVector x = u.lanewise(VectorOperators.LSHR, 8 * i).and(ones).sub(zero);
        ((FloatVector) x.convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, outAt + 4L * k + i * VECTOR, NATIVE);
      }
    }
  }

  @Override
  public void decode(MemorySegment w, long wAt, int count, MemorySegment out) {
    // toFloats leaves the inputs of a group in the order 0, 4, 8, .., 1, 5, .., 2, 6, .., 3, 7, ..
    IntVector ones = IntVector.broadcast(INTS, 0xFF);
    IntVector zero = IntVector.broadcast(INTS, 128);
    for (int k = 0; k < count; k += 2) {
      int pair = k / 2 % (2 * LANES);
      long to = (k - 2 * pair + pair % LANES + pair / LANES * 2 * LANES) * 2 * VECTOR;
      for (int half = 0; half < 2; half++) {
        IntVector v =
            IntVector.fromMemorySegment(INTS, w, wAt + (half * count + k) / 2 * VECTOR, ORDER);
        long next = to + 2 * LANES * VECTOR;
        ((FloatVector) v.and(ones).sub(zero).convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, to, NATIVE);
        ((FloatVector)
                v.lanewise(VectorOperators.LSHR, 16)
                    .and(ones)
                    .sub(zero)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, to + VECTOR, NATIVE);
        ((FloatVector)
                v.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 24)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, next, NATIVE);
        ((FloatVector)
                v.lanewise(VectorOperators.ASHR, 24).convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, next + VECTOR, NATIVE);
        to += count * 2 * VECTOR;
      }
    }
  }

  @Override
  public void add(MemorySegment floats, MemorySegment sums, long at, int count) {
    for (long i = 0; i < 4L * count; i += VECTOR) {
      IntVector x =
          (IntVector)
              FloatVector.fromMemorySegment(FLOATS, floats, i, NATIVE)
                  .convertShape(VectorOperators.F2I, INTS, 0);
      IntVector.fromMemorySegment(INTS, sums, at + i, ORDER)
          .add(x)
          .intoMemorySegment(sums, at + i, ORDER);
    }
  }
}
