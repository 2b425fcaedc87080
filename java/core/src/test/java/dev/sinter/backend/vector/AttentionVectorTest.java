package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionKernelTest;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class AttentionVectorTest extends AttentionKernelTest {
  private record OfWidth(int bits) implements Variant {
    @Override
    public AttentionKernel make(AttentionSpec spec, int workers) {
      return new VectorBackend(workers, bits).attention(spec);
    }
  }

  @Override
  protected List<Variant> variants() {
    return Arrays.stream(Widths.ofThisHost()).<Variant>mapToObj(OfWidth::new).toList();
  }

  @Test
  void exponentialOverItsWholeRange() {
    int chunk = 1 << 12;
    double worst = 0;
    int checked = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(4L * chunk, 64);
      MemorySegment x = arena.allocate(4L * chunk + 64, 64);
      int bits = Float.floatToRawIntBits(-0f); // through all negative floats, larger and larger
      boolean more = true;
      while (more) {
        for (int i = 0; i < chunk; i++) {
          values.setAtIndex(JAVA_FLOAT, i, Float.intBitsToFloat(bits));
          bits = Math.min(bits + 997, Float.floatToRawIntBits(Float.NEGATIVE_INFINITY));
        }
        MemorySegment.copy(values, 0, x, 0, values.byteSize());
        new ExponentialVector().apply(x, 0, 4 * chunk, 0, 1, 4L * chunk);
        for (int i = 0; i < chunk; i++) {
          float argument = values.getAtIndex(JAVA_FLOAT, i);
          float found = x.getAtIndex(JAVA_FLOAT, i);
          if (argument < -87) {
            boolean small = found >= 0 && found <= (argument <= -88 ? 0 : Math.exp(-87));
            assertTrue(small, "exp " + argument + " is " + found);
          } else {
            double exact = StrictMath.exp(argument);
            worst = Math.max(worst, Math.abs(found - exact) / exact);
            checked++;
          }
        }
        more = Float.intBitsToFloat(bits) != Float.NEGATIVE_INFINITY;
      }
    }
    assertTrue(checked > 1_000_000, "checked " + checked);
    assertTrue(worst < 3 * Tolerance.UNIT, "relative error " + worst);
  }
}
