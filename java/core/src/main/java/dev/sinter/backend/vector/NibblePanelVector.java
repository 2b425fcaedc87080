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
 * <p>The end of a group is a condition in the loop, not a loop around it: groups may be as short as
 * four steps.
 */
final class NibblePanelVector implements NibblePanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
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
      long at) {
    int group = from / groups.steps();
    int last = groups.lastStep() - from;
    int end = Math.min((group + 1) * groups.steps() - 1 - from, last);
    IntVector ones = IntVector.broadcast(INTS, 0x000F000F);
    IntVector a = IntVector.fromMemorySegment(INTS, sums, at, ORDER);
    IntVector b = IntVector.fromMemorySegment(INTS, sums, at + VECTOR, ORDER);
    FloatVector y = FloatVector.fromMemorySegment(FLOATS, values, at, NATIVE);
    FloatVector z = FloatVector.fromMemorySegment(FLOATS, values, at + VECTOR, NATIVE);
    for (int i = 0; i < steps; i++) {
      IntVector t = IntVector.fromMemorySegment(INTS, w, wAt + 2 * i * VECTOR, ORDER);
      ShortVector p =
          t.and(ones)
              .reinterpretAsShorts()
              .mul(
                  IntVector.broadcast(INTS, split.get(CodePanel.INT, 0L * PART + 8L * i))
                      .reinterpretAsShorts())
              .add(
                  t.lanewise(VectorOperators.LSHR, 4)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 1L * PART + 8L * i))
                              .reinterpretAsShorts()))
              .add(
                  t.lanewise(VectorOperators.LSHR, 8)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 2L * PART + 8L * i))
                              .reinterpretAsShorts()))
              .add(
                  t.lanewise(VectorOperators.LSHR, 12)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(INTS, split.get(CodePanel.INT, 3L * PART + 8L * i))
                              .reinterpretAsShorts()));
      IntVector u = IntVector.fromMemorySegment(INTS, w, wAt + 2 * i * VECTOR + VECTOR, ORDER);
      ShortVector q =
          u.and(ones)
              .reinterpretAsShorts()
              .mul(
                  IntVector.broadcast(INTS, split.get(CodePanel.INT, 0L * PART + 8L * i + 4))
                      .reinterpretAsShorts())
              .add(
                  u.lanewise(VectorOperators.LSHR, 4)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(
                                  INTS, split.get(CodePanel.INT, 1L * PART + 8L * i + 4))
                              .reinterpretAsShorts()))
              .add(
                  u.lanewise(VectorOperators.LSHR, 8)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(
                                  INTS, split.get(CodePanel.INT, 2L * PART + 8L * i + 4))
                              .reinterpretAsShorts()))
              .add(
                  u.lanewise(VectorOperators.LSHR, 12)
                      .and(ones)
                      .reinterpretAsShorts()
                      .mul(
                          IntVector.broadcast(
                                  INTS, split.get(CodePanel.INT, 3L * PART + 8L * i + 4))
                              .reinterpretAsShorts()));
      IntVector both = p.add(q).reinterpretAsInts();
      a = a.add(both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      b = b.add(both.lanewise(VectorOperators.ASHR, 16));
      if (i == end) {
        IntVector inputs =
            IntVector.broadcast(INTS, inputSums.get(CodePanel.INT, inputSumsAt + 4L * group));
        long scale = scalesAt + group * groups.stride();
        long center = centersAt + group * groups.centerStride();
        a = a.sub(inputs.mul(IntVector.fromMemorySegment(INTS, groups.centers(), center, ORDER)));
        b =
            b.sub(
                inputs.mul(
                    IntVector.fromMemorySegment(INTS, groups.centers(), center + VECTOR, ORDER)));
        y =
            ((FloatVector) a.convertShape(VectorOperators.I2F, FLOATS, 0))
                .fma(FloatVector.fromMemorySegment(FLOATS, groups.scales(), scale, NATIVE), y);
        z =
            ((FloatVector) b.convertShape(VectorOperators.I2F, FLOATS, 0))
                .fma(
                    FloatVector.fromMemorySegment(FLOATS, groups.scales(), scale + VECTOR, NATIVE),
                    z);
        a = IntVector.zero(INTS);
        b = IntVector.zero(INTS);
        group++;
        end = group == groups.count() ? steps : Math.min(end + groups.steps(), last);
      }
    }
    a.intoMemorySegment(sums, at, ORDER);
    b.intoMemorySegment(sums, at + VECTOR, ORDER);
    y.intoMemorySegment(values, at, NATIVE);
    z.intoMemorySegment(values, at + VECTOR, NATIVE);
  }
}
