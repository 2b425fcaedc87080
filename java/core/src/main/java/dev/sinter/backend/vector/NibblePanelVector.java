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
 * The inner loop of a matmul on 4-bit weights and 8-bit inputs; integers are exact in every step.
 *
 * <p>Inputs are taken as {@code q - z}, -255 to 255, and weights as the unsigned nibbles {@code u}
 * that zero points c are subtracted from, 0 to 15. With the vector length in ints as L, half a
 * panel is 2 L columns wide, and short lanes 2 j and 2 j + 1 of a vector hold four weights each of
 * columns j and j + L, those of four inputs in a row, the first one lowest. Eight products are at
 * most 8 * 15 * 255 = 30600, so that those of two vectors add up as shorts; their halves of int
 * lanes are added to the int32 sums of both columns. The sum of {@code (q - z)(u - c)} over a group
 * is that of {@code (q - z) u} less c times that of the inputs, which comes with them.
 *
 * <p>The sums of a group lie in memory when it ends: a vector that a loop changes on a condition is
 * now and then left on the heap by the compiler.
 */
final class NibblePanelVector implements NibblePanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
  private static final VectorSpecies<Short> SHORTS = INTS.withLanes(short.class);
  private static final ByteOrder ORDER = CodePanel.ORDER;
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final int LANES = INTS.length();
  private static final long VECTOR = INTS.vectorByteSize();

  // Of four inputs in a row, each goes to a part of its own: an int with the value in both halves.
  private static final long PART = MAX_SPLIT;

  NibblePanelVector() {}

  @Override
  public void split(
      MemorySegment codes, long at, boolean signed, int zeroPoint, int count, MemorySegment out) {
    IntVector flips = IntVector.broadcast(INTS, signed ? 0x80808080 : 0);
    IntVector zero = IntVector.broadcast(INTS, signed ? 128 : zeroPoint);
    IntVector bytes = IntVector.broadcast(INTS, 0xFF);
    IntVector lower = IntVector.broadcast(INTS, 0xFFFF);
    for (int k = 0; k < count; k += 4 * LANES) {
      IntVector u =
          IntVector.fromMemorySegment(INTS, codes, at + k, ORDER)
              .lanewise(VectorOperators.XOR, flips);
      for (int part = 0; part < 4; part++) {
        IntVector x = u.lanewise(VectorOperators.LSHR, 8 * part).and(bytes).sub(zero);
        x.and(lower)
            .or(x.lanewise(VectorOperators.LSHL, 16))
            .intoMemorySegment(out, part * PART + k, ORDER);
      }
    }
  }

  @Override
  public void addProducts(
      MemorySegment split,
      int from,
      int steps,
      MemorySegment w,
      long wAt,
      Groups groups,
      long scalesAt,
      long centersAt,
      MemorySegment inputSums,
      long inputSumsAt,
      MemorySegment sums,
      MemorySegment values,
      long at,
      MemorySegment spare) {
    copy(sums, at, spare, 0);
    int group = from / groups.steps();
    int ended = 0;
    int rowEnd = groups.lastStep() + 1 - from;
    for (int i = 0; i < Math.min(steps, rowEnd); ) {
      int groupEnd = Math.min((group + ended + 1) * groups.steps() - from, rowEnd);
      int end = Math.min(groupEnd, steps);
      multiply(split, 2 * i, 2 * end, w, wAt, spare, 2 * ended * VECTOR);
      ended += end == groupEnd ? 1 : 0;
      i = end;
    }
    decode(spare, ended, groups, group, scalesAt, centersAt, inputSums, inputSumsAt, values, at);
    copy(spare, 2 * ended * VECTOR, sums, at);
  }

  private static void copy(MemorySegment from, long fromAt, MemorySegment to, long at) {
    for (long lane = 0; lane < 2 * VECTOR; lane += VECTOR) {
      IntVector.fromMemorySegment(INTS, from, fromAt + lane, ORDER)
          .intoMemorySegment(to, at + lane, ORDER);
    }
  }

  /**
   * Adds the products of one group's vectors, four inputs each, to the sums at byte {@code at}.
   * Those of the next group follow them and are set to 0.
   *
   * <p>Two vectors an iteration would save a widening, but are so many operations that the compiler
   * puts inlining off (NodeCountInliningCutoff), and then now and then leaves vectors on the heap.
   */
  private static void multiply(
      MemorySegment split,
      int first,
      int end,
      MemorySegment w,
      long wAt,
      MemorySegment sums,
      long at) {
    ShortVector ones = ShortVector.broadcast(SHORTS, 0x000F);
    IntVector a = IntVector.fromMemorySegment(INTS, sums, at, ORDER);
    IntVector b = IntVector.fromMemorySegment(INTS, sums, at + VECTOR, ORDER);
    for (int i = first; i < end; i++) {
      ShortVector t = ShortVector.fromMemorySegment(SHORTS, w, wAt + i * VECTOR, ORDER);
      IntVector p =
          t.and(ones)
              .mul(
                  IntVector.broadcast(INTS, split.get(CodePanel.INT, 0L * PART + 4L * i))
                      .reinterpretAsShorts())
              .add(
                  t.lanewise(VectorOperators.LSHR, 4)
                      .and(ones)
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 1L * PART + 4L * i))
                              .reinterpretAsShorts()))
              .add(
                  t.lanewise(VectorOperators.LSHR, 8)
                      .and(ones)
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 2L * PART + 4L * i))
                              .reinterpretAsShorts()))
              .add(
                  t.lanewise(VectorOperators.LSHR, 12)
                      .and(ones)
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 3L * PART + 4L * i))
                              .reinterpretAsShorts()))
              .reinterpretAsInts();
      a = a.add(p.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      b = b.add(p.lanewise(VectorOperators.ASHR, 16));
    }
    a.intoMemorySegment(sums, at, ORDER);
    b.intoMemorySegment(sums, at + VECTOR, ORDER);
    IntVector.zero(INTS).intoMemorySegment(sums, at + 2 * VECTOR, ORDER);
    IntVector.zero(INTS).intoMemorySegment(sums, at + 3 * VECTOR, ORDER);
  }

  private static void decode(
      MemorySegment sums,
      int count,
      Groups groups,
      int first,
      long scalesAt,
      long centersAt,
      MemorySegment inputSums,
      long inputSumsAt,
      MemorySegment values,
      long at) {
    for (int half = 0; half < 2; half++) {
      long lane = half * VECTOR;
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, values, at + lane, NATIVE);
      for (int g = 0; g < count; g++) {
        int group = first + g;
        IntVector inputs =
            IntVector.broadcast(INTS, inputSums.get(CodePanel.INT, inputSumsAt + 4L * group));
        long center = centersAt + group * groups.centerStride() + lane;
        long scale = scalesAt + group * groups.stride() + lane;
        IntVector a =
            IntVector.fromMemorySegment(INTS, sums, 2 * g * VECTOR + lane, ORDER)
                .sub(
                    inputs.mul(IntVector.fromMemorySegment(INTS, groups.centers(), center, ORDER)));
        y =
            ((FloatVector) a.convertShape(VectorOperators.I2F, FLOATS, 0))
                .fma(FloatVector.fromMemorySegment(FLOATS, groups.scales(), scale, NATIVE), y);
      }
      y.intoMemorySegment(values, at + lane, NATIVE);
    }
  }
}
