package dev.sinter.backend.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * An int lane holds the weights of four inputs of a column, which shifts take apart. Half a panel
 * is two vectors wide.
 */
final class QuadPanelVector implements QuadPanel {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Float> FLOATS = INTS.withLanes(float.class);
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
  private static final long VECTOR = INTS.vectorByteSize();

  QuadPanelVector() {}

  @Override
  public void decode(MemorySegment w, long wAt, int count, MemorySegment out) {
    for (int i = 0; i < count / 2; i++) { // two vectors of every quad
      IntVector quads = IntVector.fromMemorySegment(INTS, w, wAt + i * VECTOR, CodePanel.ORDER);
      long to = (i / 2 * 8 + i % 2) * VECTOR;
      for (int j = 0; j < 4; j++) {
        ((FloatVector)
                quads
                    .lanewise(VectorOperators.LSHL, 24 - 8 * j)
                    .lanewise(VectorOperators.ASHR, 24)
                    .convertShape(VectorOperators.I2F, FLOATS, 0))
            .intoMemorySegment(out, to + 2 * j * VECTOR, NATIVE);
      }
    }
  }
}
