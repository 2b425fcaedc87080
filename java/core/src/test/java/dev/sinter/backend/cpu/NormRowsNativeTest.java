package dev.sinter.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Backend;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.backend.vector.VectorBackend;
import dev.sinter.bindings.sinter.sinter_h;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.ColumnOrder;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.NormBounds;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class NormRowsNativeTest {
  private static final int[] WIDTHS = {1, 2, 15, 16, 17, 31, 32, 33, 384, 385};
  private static final int ROWS = 5;
  private static final int NAN_ROW = 2;

  private final TestRandom random = new TestRandom();

  private List<QuantizeSpec> codes(int width) {
    List<QuantizeSpec> specs = new ArrayList<>();
    specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN));
    specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN, true));
    specs.add(new QuantizeSpec(width, ActivationScheme.S8_PER_TOKEN));
    specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_GROUP_32, true));
    ColumnOrder order = new ColumnOrder(random.permutation(width));
    specs.add(new QuantizeSpec(width, ActivationScheme.S8_PER_GROUP_128, false, 0, order));
    if (width > 32) {
      specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN, true, 32));
    }
    return specs;
  }

  @Test
  void everyInstructionSetGivesTheSameBitsWithinTheBound() {
    int cases = 0;
    for (int width : WIDTHS) {
      for (NormSpec.Kind kind : NormSpec.Kind.values()) {
        NormSpec spec = new NormSpec(kind, width, width == 1 ? 1 : 1e-12f, null);
        float[] gamma = random.normals(width, 1);
        float[] beta = random.normals(width, 1);
        float[] values = values(width);
        float[] scalar = null;
        for (Isa isa : NormRowsNative.COMPILED) {
          if (!isa.runsOn(CpuFeatures.host())) {
            refusesToRun(spec, gamma, beta, isa);
            continue;
          }
          String where = isa + ", " + spec + " " + random;
          float[] result = floats(new NormRowsNative(spec, gamma, beta, isa), values, where);
          if (scalar == null) {
            scalar = result;
            assertNearReference(spec, gamma, beta, values, result, where);
          }
          assertArrayEquals(scalar, result, where);
          for (QuantizeSpec q : codes(width)) {
            NormSpec fused = new NormSpec(kind, width, spec.epsilon(), q);
            check(new NormRowsNative(fused, gamma, beta, isa), q, values, result, where + q);
          }
          cases++;
        }
      }
    }
    assertTrue(cases >= 2 * WIDTHS.length, "cases: " + cases);
  }

  /** Those without a kernel of their own make the same of two. */
  @Test
  void otherBackendsQuantizeWhatTheyNormalized() {
    for (Backend backend : List.of(new ReferenceBackend(), new VectorBackend(1, 0))) {
      for (int width : WIDTHS) {
        float[] gamma = random.normals(width, 1);
        float[] beta = random.normals(width, 1);
        float[] values = values(width);
        NormSpec spec = new NormSpec(width, 1e-6f);
        String where = backend.name() + ", " + spec + " " + random;
        float[] floats = floats(backend.norm(spec, gamma, beta), values, where);
        QuantizeSpec q = new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN);
        NormSpec both = new NormSpec(NormSpec.Kind.LAYER, width, 1e-6f, q);
        check(backend.norm(both, gamma, beta), q, values, floats, where);
      }
    }
  }

  private float[] values(int width) {
    float[] values = random.normals(ROWS * width, 2);
    for (int i = 0; i < values.length; i++) {
      values[i] += 3;
    }
    values[NAN_ROW * width + width / 2] = Float.NaN;
    return values;
  }

  /** y of all rows; each is written alone. */
  private static float[] floats(NormKernel kernel, float[] values, String where) {
    try (GuardedMemory memory = new GuardedMemory();
        kernel) {
      MemorySegment x = memory.floats(values);
      MemorySegment y = memory.floats(values.length);
      for (int row = ROWS; row-- > 0; ) {
        kernel.run(x, y, row, row + 1);
      }
      memory.check(where);
      return y.toArray(JAVA_FLOAT);
    }
  }

  private static void assertNearReference(
      NormSpec spec, float[] gamma, float[] beta, float[] values, float[] actual, String where) {
    float[] expected = floats(new ReferenceBackend().norm(spec, gamma, beta), values, where);
    int width = spec.width();
    for (int row = 0; row < ROWS; row++) {
      float[] source = Arrays.copyOfRange(values, row * width, (row + 1) * width);
      double[] bounds =
          row == NAN_ROW ? new double[width] : NormBounds.of(source, gamma, beta, spec, where);
      for (int i = 0; i < width; i++) {
        int at = row * width + i;
        Tolerance.assertWithin(
            expected[at], actual[at], bounds[i], "row " + row + ", column " + i + ", " + where);
      }
    }
  }

  /** In place: y is {@code floats}, and the codes are those the reference makes of it. */
  private static void check(
      NormKernel kernel, QuantizeSpec spec, float[] values, float[] floats, String where) {
    try (GuardedMemory memory = new GuardedMemory();
        kernel;
        QuantizeKernel reference = new ReferenceBackend().quantize(spec)) {
      MemorySegment x = memory.floats(values);
      MemorySegment y = memory.floats(floats);
      MemorySegment[] all = new MemorySegment[2];
      ActivationBuffer[] out = new ActivationBuffer[2];
      for (int i = 0; i < 2; i++) {
        int index = i;
        out[i] =
            ActivationBuffer.allocate(
                (bytes, alignment) -> all[index] = memory.allocate(bytes, alignment),
                spec,
                ROWS,
                spec.width() + 13);
      }
      kernel.run(x, x, out[0], 0, 1);
      kernel.run(x, x, out[0], 1, ROWS);
      reference.run(y, out[1], 0, ROWS);
      assertArrayEquals(floats, x.toArray(JAVA_FLOAT), where);
      assertEquals(-1, all[1].mismatch(all[0]), where + ": first byte that differs");
      memory.check(where);
    }
  }

  private static void refusesToRun(NormSpec spec, float[] gamma, float[] beta, Isa isa) {
    try (Arena arena = Arena.ofConfined();
        NormKernel kernel = new NormRowsNative(spec, gamma, beta, isa)) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, spec.width());
      NativeException e = assertThrows(NativeException.class, () -> kernel.run(x, x, 0, 1));
      assertEquals(sinter_h.SINTER_UNSUPPORTED_ISA(), e.status());
    }
  }

  /** Their sum of squares is infinite, and 1 / infinity would make every such row beta. */
  @Test
  void squaresThatOverflowGiveNaN() {
    float[] ones = {1, 1};
    NormSpec spec = new NormSpec(NormSpec.Kind.RMS, 2, 0, null);
    try (CpuBackend backend = new CpuBackend(1, null)) {
      float[] y =
          floats(
              backend.norm(spec, ones, ones),
              new float[] {1, 1, 1e30f, 1, 0, 1, 1, 0, 2, 2},
              "overflow");
      assertTrue(Float.isNaN(y[2]) && Float.isNaN(y[3]), Arrays.toString(y));
      assertArrayEquals(new float[] {2, 2}, Arrays.copyOf(y, 2));
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    QuantizeSpec q = new QuantizeSpec(4, ActivationScheme.U8_PER_TOKEN);
    NormSpec fused = new NormSpec(NormSpec.Kind.LAYER, 4, 0, q);
    float[] four = new float[4];
    assertThrows(IllegalArgumentException.class, () -> new NormSpec(NormSpec.Kind.LAYER, 5, 0, q));
    try (Arena arena = Arena.ofConfined();
        CpuBackend backend = new CpuBackend(1, null);
        NormKernel kernel = backend.norm(fused, four, four);
        NormKernel plain = backend.norm(fused.toFloats(), four, four)) {
      assertThrows(IllegalArgumentException.class, () -> backend.norm(fused, four, new float[3]));
      MemorySegment x = arena.allocate(JAVA_FLOAT, 8);
      ActivationBuffer out = ActivationBuffer.allocate(arena, q, 2, 4);
      kernel.run(x, x, out, 0, 2);
      refused("no place for codes", () -> kernel.run(x, x, 0, 2));
      refused("a place for codes", () -> plain.run(x, x, out, 0, 2));
      refused("rows 0 to 3", () -> kernel.run(x, x, out, 0, 3));
      refused("y has 16 bytes", () -> kernel.run(x, x.asSlice(0, 16), out, 0, 2));
      refused("x has 16 bytes", () -> plain.run(x.asSlice(0, 16), x, 0, 2));
      refused(
          "y must be native", () -> kernel.run(x, MemorySegment.ofArray(new float[8]), out, 0, 2));
      refused("rows -1", () -> plain.run(x, x, -1, 2));
    }
  }

  private static void refused(String why, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(why), message);
  }
}
