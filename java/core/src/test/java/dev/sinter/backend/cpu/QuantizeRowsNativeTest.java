package dev.sinter.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.bindings.sinter.sinter_h;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.ColumnOrder;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizeRowsNativeTest {
  private static final int[] WIDTHS = {1, 15, 16, 17, 31, 33, 127, 384, 1536};
  private static final int MAX_ROWS = 5;

  private final TestRandom random = new TestRandom();

  /** Rows of every kind. */
  private List<float[]> kinds(int width) {
    List<float[]> rows = new ArrayList<>();
    for (float deviation : new float[] {1, 1e-3f, 1e-42f, 1e-38f, 1e30f}) {
      rows.add(random.normals(width, deviation));
    }
    for (float constant :
        new float[] {0, -0f, 1, -1, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MAX_VALUE}) {
      float[] row = new float[width];
      Arrays.fill(row, constant);
      rows.add(row);
    }
    float[] anything = new float[width];
    float[] subnormal = new float[width];
    float[] ties = new float[width]; // scale 1 in both schemes if the row is wide enough
    for (int k = 0; k < width; k++) {
      anything[k] = random.anyFinite();
      subnormal[k] = random.integer(-400, 400) * Float.MIN_VALUE;
      ties[k] = random.integer(-127, 126) + 0.5f;
    }
    rows.addAll(List.of(anything, subnormal));
    for (float high : new float[] {127, 128}) {
      float[] row = ties.clone();
      row[0] = -127;
      row[width - 1] = high;
      rows.add(row);
    }
    for (int bits :
        new int[] {0x7FC00000, 0x7F800001, 0xFF800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000}) {
      float[] row = random.normals(width, 1);
      row[random.integer(0, width)] = Float.intBitsToFloat(bits);
      rows.add(row);
    }
    rows.add(random.normals(width, 1)); // after the rows without a result
    return rows;
  }

  @ParameterizedTest
  @EnumSource(names = {"SCALAR", "AVX2", "AVX512"})
  void equalsTheReferenceBitForBit(Isa isa) {
    if (refusedForLackOfTheLibrary()) {
      return;
    }
    for (int width : WIDTHS) {
      for (QuantizeSpec spec : specs(width)) {
        try (QuantizeKernel kernel = new QuantizeRowsNative(spec, isa);
            QuantizeKernel reference = new ReferenceBackend().quantize(spec)) {
          if (!isa.runsOn(CpuFeatures.host())) {
            refusesToRun(kernel, spec);
            continue;
          }
          List<float[]> kinds = kinds(width);
          for (int rows = 1; rows <= MAX_ROWS; rows++) {
            for (int first = 0; first + rows <= kinds.size(); first += rows) {
              check(kernel, reference, spec, kinds.subList(first, first + rows), first % 2 * 13);
            }
          }
        }
      }
    }
  }

  private List<QuantizeSpec> specs(int width) {
    List<QuantizeSpec> specs = new ArrayList<>();
    specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN));
    for (int step : new int[] {0, 32, 64, 128}) {
      if (step < width) {
        specs.add(new QuantizeSpec(width, ActivationScheme.U8_PER_TOKEN, true, step));
        specs.add(new QuantizeSpec(width, ActivationScheme.S8_PER_TOKEN, false, step));
      }
    }
    for (ActivationScheme grouped : CodesGemmCheck.GROUPED) {
      specs.add(new QuantizeSpec(width, grouped));
      specs.add(new QuantizeSpec(width, grouped, grouped.isAsymmetric()));
      if (grouped.groupWidth(width) == 128) {
        specs.add(new QuantizeSpec(width, grouped, grouped.isAsymmetric(), 64));
      }
    }
    ColumnOrder order = new ColumnOrder(random.permutation(width));
    for (int i = 0; i < 4; i++) {
      QuantizeSpec s = specs.get(random.integer(0, specs.size()));
      specs.add(new QuantizeSpec(width, s.scheme(), s.signedCodes(), s.sumStep(), order));
    }
    return specs;
  }

  private void refusesToRun(QuantizeKernel kernel, QuantizeSpec spec) {
    try (Arena arena = Arena.ofConfined()) {
      ActivationBuffer out = ActivationBuffer.allocate(arena, spec, 1, spec.width());
      MemorySegment x = arena.allocate(JAVA_FLOAT, spec.width());
      NativeException e =
          assertThrows(NativeException.class, () -> kernel.run(x, out, 0, 1), kernel.isa());
      assertEquals(sinter_h.SINTER_UNSUPPORTED_ISA(), e.status());
    }
  }

  /** All ranges of rows; what lies beside them must keep the pattern, as the reference does. */
  private void check(
      QuantizeKernel kernel,
      QuantizeKernel reference,
      QuantizeSpec spec,
      List<float[]> rows,
      int padding) {
    int width = spec.width();
    try (GuardedMemory memory = new GuardedMemory()) {
      MemorySegment x = memory.floats((long) rows.size() * width);
      for (int r = 0; r < rows.size(); r++) {
        MemorySegment.copy(rows.get(r), 0, x, JAVA_FLOAT, 4L * r * width, width);
      }
      int count = rows.size();
      MemorySegment[] actual = new MemorySegment[1];
      MemorySegment[] expected = new MemorySegment[1];
      ActivationBuffer out =
          ActivationBuffer.allocate(
              (bytes, alignment) -> actual[0] = memory.allocate(bytes, alignment),
              spec,
              count,
              width + padding);
      ActivationBuffer wanted =
          ActivationBuffer.allocate(
              (bytes, alignment) -> expected[0] = memory.allocate(bytes, alignment),
              spec,
              count,
              width + padding);
      for (int from = 0; from < count; from++) {
        for (int to = from; to <= count; to++) {
          actual[0].fill(GuardedMemory.PATTERN);
          expected[0].fill(GuardedMemory.PATTERN);
          kernel.run(x, out, from, to);
          reference.run(x, wanted, from, to);
          int rowFrom = from;
          int rowTo = to;
          assertEquals(
              -1,
              expected[0].mismatch(actual[0]),
              () ->
                  "first byte that differs (codes to "
                      + out.data().byteSize()
                      + ", then scales, zero points, sums); "
                      + kernel.implementation()
                      + ", width "
                      + width
                      + "+"
                      + padding
                      + ", rows "
                      + rowFrom
                      + " to "
                      + rowTo
                      + " of "
                      + count
                      + " "
                      + random);
        }
      }
      memory.check(kernel.implementation() + ", width " + width + " " + random);
    }
  }

  /** Only a build that left the library out may lack it, and then users are told. */
  private static boolean refusedForLackOfTheLibrary() {
    QuantizeSpec spec = new QuantizeSpec(384, ActivationScheme.U8_PER_TOKEN);
    CpuBackend backend = new CpuBackend(1, null);
    Support support = backend.supports(spec);
    if (!NativeBuild.isOff()) {
      assertTrue(support.supported(), support.reason());
      return false;
    }
    assertEquals(Support.no(NativeBuild.REASON), support);
    assertThrows(IllegalArgumentException.class, () -> backend.quantize(spec));
    return true;
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void backendGivesTheBestKernel(ActivationScheme scheme) {
    if (refusedForLackOfTheLibrary()) {
      return;
    }
    QuantizeSpec spec = new QuantizeSpec(8, scheme);
    String prefix = "sinter_quantize_rows_";
    String codes = scheme == ActivationScheme.U8_PER_TOKEN ? " (u8)" : " (s8)";
    try (CpuBackend backend = new CpuBackend(1, null);
        QuantizeKernel kernel = backend.quantize(spec)) {
      String best =
          Isa.best(Isa.allowed(CpuFeatures.host(), null), QuantizeRowsNative.COMPILED).text();
      assertEquals(best, kernel.isa());
      assertEquals(prefix + best + codes, kernel.implementation());
    }
    try (CpuBackend backend = new CpuBackend(1, "scalar");
        QuantizeKernel kernel = backend.quantize(spec)) {
      assertEquals(prefix + "scalar" + codes, kernel.implementation());
    }
  }

  @Test
  void refusesWhatItHasNoKernelFor() {
    if (refusedForLackOfTheLibrary()) {
      return;
    }
    try (CpuBackend backend = new CpuBackend(1, null)) {
      int widest = sinter_h.SINTER_QUANTIZE_ROWS_MAX_K();
      QuantizeSpec wide = new QuantizeSpec(widest + 1, ActivationScheme.U8_PER_TOKEN);
      assertTrue(backend.supports(new QuantizeSpec(widest, wide.scheme())).supported());
      String reason = backend.supports(wide).reason();
      assertTrue(reason.contains("at most " + widest), reason);
      assertThrows(IllegalArgumentException.class, () -> backend.quantize(wide));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void refusesBuffersThatDoNotFit(ActivationScheme scheme) {
    if (refusedForLackOfTheLibrary()) {
      return;
    }
    try (Arena arena = Arena.ofConfined();
        CpuBackend backend = new CpuBackend(1, null);
        QuantizeKernel kernel = backend.quantize(new QuantizeSpec(8, scheme))) {
      MemorySegment x = arena.allocate(JAVA_FLOAT, 16);
      ActivationBuffer out = ActivationBuffer.allocate(arena, scheme, 2, 8, 8);
      kernel.run(x, out, 0, 2);
      refused("output for rows of 7", kernel, x, buffer(arena, scheme, 2, 7), 0, 2);
      ActivationScheme other =
          scheme == ActivationScheme.U8_PER_TOKEN
              ? ActivationScheme.S8_PER_TOKEN
              : ActivationScheme.U8_PER_TOKEN;
      refused("8 " + other, kernel, x, buffer(arena, other, 2, 8), 0, 2);
      refused("rows 0 to 3", kernel, x, out, 0, 3);
      refused("rows -1 to 1", kernel, x, out, -1, 1);
      refused("rows 2 to 1", kernel, x, out, 2, 1);
      refused("x has 60 bytes", kernel, x.asSlice(0, 60), out, 0, 2);
      refused("native memory", kernel, MemorySegment.ofArray(new float[16]), out, 0, 2);
    }
  }

  private static ActivationBuffer buffer(
      Arena arena, ActivationScheme scheme, int rows, int columns) {
    return ActivationBuffer.allocate(arena, scheme, rows, columns, 8);
  }

  private static void refused(
      String why, QuantizeKernel kernel, MemorySegment x, ActivationBuffer out, int from, int to) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> kernel.run(x, out, from, to))
            .getMessage();
    assertTrue(message.contains(why), message);
  }
}
