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
 * one plus 128. Weights are -128 to 127, in rows; those at even places lie there 128 higher. A
 * vector of a row is seen as shorts {@code t = 256 b + a + 128}, with the weights a and b of two
 * inputs x and y. Two products are at least -2 * 128 * 128 = -32768 and at most 2 * 127 * 128 =
 * 32512, so that
 *
 * <pre>
 * a x + b y + 32768 = t x + b (y - 256 x) + (32768 - 128 x)   modulo 2^16, with b = t >> 8
 * </pre>
 *
 * is exact as an unsigned short: one shift, two multiplications and two additions of shorts. As an
 * int lane, this is {@code 65536 high + low}: from sums of whole lanes and of upper halves follows
 * that of both, modulo 2^32.
 *
 * <p>The loops end on inequality, which keeps the compiler from unrolling them: unrolled, they read
 * several lines of one row, then of the next, and take a third longer where weights are cold.
 */
final class CodePanelVector implements CodePanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
  private static final VectorSpecies<Short> SHORTS = INTS.withLanes(short.class);
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final long VECTOR = INTS.vectorByteSize();

  // A split vector of inputs: the factors of t and b and the summand.
  private static final long SPLIT = 3 * VECTOR;

  CodePanelVector() {}

  @Override
  public void split(
      MemorySegment codes, long at, short flip, int count, MemorySegment out, long outAt) {
    ShortVector flips = ShortVector.broadcast(SHORTS, flip);
    ShortVector ones = ShortVector.broadcast(SHORTS, 0xFF);
    ShortVector zero = ShortVector.broadcast(SHORTS, 127);
    ShortVector half = ShortVector.broadcast(SHORTS, Short.MIN_VALUE);
    for (int i = 0; i < (int) (count / VECTOR); i++) {
      ShortVector u =
          ShortVector.fromMemorySegment(SHORTS, codes, at + i * VECTOR, ORDER)
              .lanewise(VectorOperators.XOR, flips);
      ShortVector x = u.and(ones).sub(zero);
      ShortVector y = u.lanewise(VectorOperators.LSHR, 8).sub(zero);
      x.intoMemorySegment(out, outAt + i * SPLIT, ORDER);
      y.sub(x.lanewise(VectorOperators.LSHL, 8))
          .intoMemorySegment(out, outAt + i * SPLIT + VECTOR, ORDER);
      half.sub(x.lanewise(VectorOperators.LSHL, 7))
          .intoMemorySegment(out, outAt + i * SPLIT + 2 * VECTOR, ORDER);
    }
  }

  @Override
  public void dot(
      MemorySegment split,
      int count,
      MemorySegment w,
      long wA,
      long wB,
      MemorySegment sums,
      long sumA,
      long sumB) {
    IntVector wholeA = IntVector.zero(INTS);
    IntVector upperA = wholeA;
    IntVector wholeB = wholeA;
    IntVector upperB = wholeA;
    long at = 0;
    for (long i = 0; i != count; i += VECTOR, at += SPLIT) {
      ShortVector x = ShortVector.fromMemorySegment(SHORTS, split, at, ORDER);
      ShortVector y = ShortVector.fromMemorySegment(SHORTS, split, at + VECTOR, ORDER);
      ShortVector z = ShortVector.fromMemorySegment(SHORTS, split, at + 2 * VECTOR, ORDER);
      ShortVector t = ShortVector.fromMemorySegment(SHORTS, w, wA + i, ORDER);
      IntVector p =
          t.mul(x).add(t.lanewise(VectorOperators.ASHR, 8).mul(y)).add(z).reinterpretAsInts();
      wholeA = wholeA.add(p);
      upperA = upperA.add(p.lanewise(VectorOperators.LSHR, 16));
      t = ShortVector.fromMemorySegment(SHORTS, w, wB + i, ORDER);
      p = t.mul(x).add(t.lanewise(VectorOperators.ASHR, 8).mul(y)).add(z).reinterpretAsInts();
      wholeB = wholeB.add(p);
      upperB = upperB.add(p.lanewise(VectorOperators.LSHR, 16));
    }
    // Of lanes 65536 high + low, high + low.
    int a =
        wholeA
            .add(upperA)
            .sub(upperA.lanewise(VectorOperators.LSHL, 16))
            .reduceLanes(VectorOperators.ADD);
    int b =
        wholeB
            .add(upperB)
            .sub(upperB.lanewise(VectorOperators.LSHL, 16))
            .reduceLanes(VectorOperators.ADD);
    int shift = 32768 * (count / 2);
    sums.set(INT, sumA, sums.get(INT, sumA) + a - shift);
    sums.set(INT, sumB, sums.get(INT, sumB) + b - shift);
  }

  @Override
  public void dotPairs(
      MemorySegment split,
      int count,
      MemorySegment w,
      long wA,
      long wB,
      long wStride,
      MemorySegment sums,
      long sumA,
      long sumB,
      long sumStride) {
    IntVector zero = IntVector.zero(INTS);
    IntVector wholeA0 = zero;
    IntVector upperA0 = zero;
    IntVector wholeA1 = zero;
    IntVector upperA1 = zero;
    IntVector wholeB0 = zero;
    IntVector upperB0 = zero;
    IntVector wholeB1 = zero;
    IntVector upperB1 = zero;
    IntVector wholeC0 = zero;
    IntVector upperC0 = zero;
    IntVector wholeC1 = zero;
    IntVector upperC1 = zero;
    IntVector wholeD0 = zero;
    IntVector upperD0 = zero;
    IntVector wholeD1 = zero;
    IntVector upperD1 = zero;
    long at = 0;
    for (long i = 0; i != count; i += VECTOR, at += SPLIT) {
      ShortVector x0 = ShortVector.fromMemorySegment(SHORTS, split, at, ORDER);
      ShortVector y0 = ShortVector.fromMemorySegment(SHORTS, split, at + VECTOR, ORDER);
      ShortVector z0 = ShortVector.fromMemorySegment(SHORTS, split, at + 2 * VECTOR, ORDER);
      long next = at + SPLIT_BYTES;
      ShortVector x1 = ShortVector.fromMemorySegment(SHORTS, split, next, ORDER);
      ShortVector y1 = ShortVector.fromMemorySegment(SHORTS, split, next + VECTOR, ORDER);
      ShortVector z1 = ShortVector.fromMemorySegment(SHORTS, split, next + 2 * VECTOR, ORDER);

      ShortVector t = ShortVector.fromMemorySegment(SHORTS, w, wA + i, ORDER);
      ShortVector b = t.lanewise(VectorOperators.ASHR, 8);
      IntVector p = t.mul(x0).add(b.mul(y0)).add(z0).reinterpretAsInts();
      wholeA0 = wholeA0.add(p);
      upperA0 = upperA0.add(p.lanewise(VectorOperators.LSHR, 16));
      p = t.mul(x1).add(b.mul(y1)).add(z1).reinterpretAsInts();
      wholeA1 = wholeA1.add(p);
      upperA1 = upperA1.add(p.lanewise(VectorOperators.LSHR, 16));

      t = ShortVector.fromMemorySegment(SHORTS, w, wA + wStride + i, ORDER);
      b = t.lanewise(VectorOperators.ASHR, 8);
      p = t.mul(x0).add(b.mul(y0)).add(z0).reinterpretAsInts();
      wholeB0 = wholeB0.add(p);
      upperB0 = upperB0.add(p.lanewise(VectorOperators.LSHR, 16));
      p = t.mul(x1).add(b.mul(y1)).add(z1).reinterpretAsInts();
      wholeB1 = wholeB1.add(p);
      upperB1 = upperB1.add(p.lanewise(VectorOperators.LSHR, 16));

      t = ShortVector.fromMemorySegment(SHORTS, w, wB + i, ORDER);
      b = t.lanewise(VectorOperators.ASHR, 8);
      p = t.mul(x0).add(b.mul(y0)).add(z0).reinterpretAsInts();
      wholeC0 = wholeC0.add(p);
      upperC0 = upperC0.add(p.lanewise(VectorOperators.LSHR, 16));
      p = t.mul(x1).add(b.mul(y1)).add(z1).reinterpretAsInts();
      wholeC1 = wholeC1.add(p);
      upperC1 = upperC1.add(p.lanewise(VectorOperators.LSHR, 16));

      t = ShortVector.fromMemorySegment(SHORTS, w, wB + wStride + i, ORDER);
      b = t.lanewise(VectorOperators.ASHR, 8);
      p = t.mul(x0).add(b.mul(y0)).add(z0).reinterpretAsInts();
      wholeD0 = wholeD0.add(p);
      upperD0 = upperD0.add(p.lanewise(VectorOperators.LSHR, 16));
      p = t.mul(x1).add(b.mul(y1)).add(z1).reinterpretAsInts();
      wholeD1 = wholeD1.add(p);
      upperD1 = upperD1.add(p.lanewise(VectorOperators.LSHR, 16));
    }
    // Of lanes 65536 high + low, high + low.
    wholeA0 = wholeA0.add(upperA0).sub(upperA0.lanewise(VectorOperators.LSHL, 16));
    wholeA1 = wholeA1.add(upperA1).sub(upperA1.lanewise(VectorOperators.LSHL, 16));
    wholeB0 = wholeB0.add(upperB0).sub(upperB0.lanewise(VectorOperators.LSHL, 16));
    wholeB1 = wholeB1.add(upperB1).sub(upperB1.lanewise(VectorOperators.LSHL, 16));
    wholeC0 = wholeC0.add(upperC0).sub(upperC0.lanewise(VectorOperators.LSHL, 16));
    wholeC1 = wholeC1.add(upperC1).sub(upperC1.lanewise(VectorOperators.LSHL, 16));
    wholeD0 = wholeD0.add(upperD0).sub(upperD0.lanewise(VectorOperators.LSHL, 16));
    wholeD1 = wholeD1.add(upperD1).sub(upperD1.lanewise(VectorOperators.LSHL, 16));
    int shift = 32768 * (count / 2);
    add(sums, sumA, wholeA0.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumA + 4, wholeB0.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumB, wholeC0.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumB + 4, wholeD0.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumA + sumStride, wholeA1.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumA + sumStride + 4, wholeB1.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumB + sumStride, wholeC1.reduceLanes(VectorOperators.ADD) - shift);
    add(sums, sumB + sumStride + 4, wholeD1.reduceLanes(VectorOperators.ADD) - shift);
  }

  private static void add(MemorySegment sums, long at, int value) {
    sums.set(INT, at, sums.get(INT, at) + value);
  }

  @Override
  public void clear(MemorySegment sums, long from, long bytes) {
    for (long i = 0; i < bytes; i += VECTOR) {
      IntVector.zero(INTS).intoMemorySegment(sums, from + i, ORDER);
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
