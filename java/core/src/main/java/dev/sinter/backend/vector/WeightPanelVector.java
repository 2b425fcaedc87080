package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Codes of 4 or 8 bits to floats. Half a panel is two vectors a and b of columns; an int lane holds
 * the codes of one column of each for 4 or 2 inputs in a row: from its low bits on those of a and b
 * for the first input, for the second, and so on. One of them becomes a float by two shifts and a
 * conversion.
 *
 * <p>A loop takes one code of each lane: the memory it reads anew is in the first cache, and a body
 * with all of them would be too large, see the package.
 */
final class WeightPanelVector implements WeightPanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
  private static final ByteOrder ORDER = CodePanel.ORDER;
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final long VECTOR = INTS.vectorByteSize();

  WeightPanelVector() {}

  @Override
  public void decode(
      MemorySegment w,
      long wAt,
      int bits,
      int inputs,
      MemorySegment scales,
      long scalesAt,
      MemorySegment centers,
      long centersAt,
      MemorySegment out,
      long outAt) {
    int codes = Integer.SIZE / bits;
    int vectors = 2 * inputs / codes;
    for (int code = 0; code < codes; code++) {
      long column = code % 2 * VECTOR;
      decode(
          w,
          wAt,
          vectors,
          Integer.SIZE - bits * (code + 1),
          Integer.SIZE - bits,
          scales,
          scalesAt + column,
          centers,
          centersAt + column,
          out,
          outAt + code * VECTOR,
          codes * VECTOR);
    }
  }

  private static void decode(
      MemorySegment w,
      long wAt,
      int vectors,
      int left,
      int right,
      MemorySegment scales,
      long scalesAt,
      MemorySegment centers,
      long centersAt,
      MemorySegment out,
      long outAt,
      long stride) {
    FloatVector scale = FloatVector.fromMemorySegment(FLOATS, scales, scalesAt, NATIVE);
    IntVector center = IntVector.fromMemorySegment(INTS, centers, centersAt, ORDER);
    for (int i = 0; i < vectors; i++) {
      IntVector code =
          IntVector.fromMemorySegment(INTS, w, wAt + i * VECTOR, ORDER)
              .lanewise(VectorOperators.LSHL, left)
              .lanewise(VectorOperators.ASHR, right)
              .sub(center);
      ((FloatVector) code.convertShape(VectorOperators.I2F, FLOATS, 0))
          .mul(scale)
          .intoMemorySegment(out, outAt + i * stride, NATIVE);
    }
  }
}
