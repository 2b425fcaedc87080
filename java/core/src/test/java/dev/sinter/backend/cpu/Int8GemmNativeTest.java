package dev.sinter.backend.cpu;

import static dev.sinter.backend.cpu.PanelMatmulCases.EPILOGUES;
import static dev.sinter.backend.cpu.PanelMatmulCases.ROWS;
import static dev.sinter.backend.cpu.PanelMatmulCases.afterActivation;
import static dev.sinter.backend.cpu.PanelMatmulCases.isas;
import static dev.sinter.backend.cpu.PanelMatmulCases.run;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Java side; the kernel's integers are compared bit for bit in native/test/gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class Int8GemmNativeTest {
  private static final List<ActivationScheme> SCHEMES =
      List.of(ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN);

  private final ReferenceBackend reference = new ReferenceBackend();
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void free() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "129,16", "384,385"})
  void agreesWithTheReference(int k, int n) {
    for (Granularity granularity : Granularity.values()) {
      Quantized weights = quantized(k, n, granularity, () -> random.integer(-128, 128));
      for (ActivationScheme activations : SCHEMES) {
        for (Epilogue epilogue : EPILOGUES) {
          compare(weights, activations, epilogue);
        }
      }
    }
  }

  @Test
  void extremeCodesSumExactly() {
    for (ActivationScheme activations : SCHEMES) {
      for (int code : new int[] {-128, 127}) {
        compare(quantized(1000, 33, Granularity.CHANNEL, () -> code), activations, Epilogue.NONE);
      }
    }
  }

  private void compare(Quantized weights, ActivationScheme activations, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    float[] bias = epilogue.bias() ? random.normals(spec.n(), 1) : null;
    MatmulReference judge = reference.matmul(spec, weights, bias);
    for (int m : ROWS) {
      MemorySegment values = arena.allocate(4L * m * spec.k());
      random.fill(values, 1);
      MemorySegment before = arena.allocate(4L * m * spec.n());
      random.fill(before, 1);
      MemorySegment expected = null;
      MemorySegment first = null;
      double[] bounds = null;
      for (Isa isa : isas(Int8GemmNative.COMPILED)) {
        String where = isa + " " + spec + ", m=" + m + " " + random;
        try (GuardedMemory memory = new GuardedMemory();
            MatmulKernel kernel = new Int8GemmNative(spec, weights, bias, 1, isa)) {
          ActivationBuffer x = codes(memory, kernel, spec, values, m);
          MemorySegment y = memory.floats((long) m * spec.n()).copyFrom(before);
          run(kernel, m, x, y);
          if (expected == null) {
            expected = arena.allocate(before.byteSize()).copyFrom(before);
            run(judge, m, x, expected);
            bounds = bounds(judge, weights, x, m, bias, epilogue);
            first = arena.allocate(before.byteSize()).copyFrom(y);
          }
          for (int i = 0; i < m * spec.n(); i++) {
            float wanted = expected.getAtIndex(JAVA_FLOAT, i);
            float found = y.getAtIndex(JAVA_FLOAT, i);
            // Both add to y and round, ours after it has rounded what it adds.
            double bound = bounds[i] + 2 * Tolerance.rounding(wanted);
            Tolerance.assertWithin(wanted, found, bound, where + " element " + i);
          }
          assertEquals(-1, first.mismatch(y), "not the bits of scalar code: " + where);
          memory.check(where);
        }
      }
    }
  }

  /** The exact integer is rounded to a float, multiplied twice, added to the bias and to y. */
  private double[] bounds(
      MatmulReference judge,
      Quantized weights,
      ActivationBuffer x,
      int m,
      float[] bias,
      Epilogue epilogue) {
    int n = weights.rows();
    double[] bounds = new double[m * n];
    for (int row = 0; row < m; row++) {
      double scale = x.scales().getAtIndex(JAVA_FLOAT, row);
      for (int c = 0; c < n; c++) {
        double product = judge.accumulator(x, row, c) * scale * weights.scale(c);
        double exact = product + (bias == null ? 0 : bias[c]);
        double bound = Tolerance.gamma(3) * Math.abs(product) + Tolerance.rounding(exact);
        bounds[row * n + c] = afterActivation(epilogue, bound, exact);
      }
    }
    return bounds;
  }

  @Test
  void aRowDependsOnItselfAlone() {
    int k = 200;
    int n = 230;
    int m = 300;
    MatmulSpec spec =
        MatmulSpec.of(
            quantized(k, n, Granularity.CHANNEL, () -> 0),
            ActivationScheme.U8_PER_TOKEN,
            Epilogue.NONE);
    Quantized weights = quantized(k, n, Granularity.CHANNEL, () -> random.integer(-128, 128));
    MemorySegment values = arena.allocate(4L * m * k);
    random.fill(values, 1);
    int nan = 131;
    values.setAtIndex(JAVA_FLOAT, (long) nan * k + 5, Float.NaN);
    for (Isa isa : isas(Int8GemmNative.COMPILED)) {
      try (MatmulKernel kernel = new Int8GemmNative(spec, weights, null, 1, isa)) {
        MemorySegment all = arena.allocate(4L * m * n);
        run(kernel, m, codes(arena, kernel, spec, values, m), all);
        for (int row : new int[] {0, 1, 127, 128, 130, nan, 132, 299}) {
          MemorySegment alone = arena.allocate(4L * n);
          MemorySegment input = values.asSlice(4L * row * k, 4L * k);
          run(kernel, 1, codes(arena, kernel, spec, input, 1), alone);
          assertEquals(row == nan, Float.isNaN(alone.getAtIndex(JAVA_FLOAT, 0)));
          assertEquals(-1, all.asSlice(4L * row * n, 4L * n).mismatch(alone), isa + " row " + row);
        }
      }
    }
  }

  @Test
  void theBackendTakesItForEightBitsAndSaysWhyForOthers() {
    Quantized weights = quantized(40, 20, Granularity.CHANNEL, () -> 1);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      String best = Isa.best(isas(Int8GemmNative.COMPILED), Int8GemmNative.COMPILED).text();
      assertEquals("sinter_int8_gemm_" + best, kernel.implementation());
      String reason =
          backend.supports(MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE)).reason();
      assertTrue(reason.contains("not I8 with FLOAT"), reason);
      MatmulSpec tooLong =
          new MatmulSpec(
              Int8GemmNative.MAX_K + 1,
              8,
              spec.weights(),
              Granularity.CHANNEL,
              ActivationScheme.S8_PER_TOKEN,
              Epilogue.NONE);
      assertFalse(backend.supports(tooLong).supported());
      assertThrows(
          IllegalArgumentException.class, () -> backend.matmul(spec, weights, new float[20]));
    }
  }

  private ActivationBuffer codes(
      Arena arena, MatmulKernel kernel, MatmulSpec spec, MemorySegment values, int m) {
    QuantizeSpec quantize = new QuantizeSpec(spec.k(), spec.activations(), kernel.signedCodes());
    ActivationBuffer x =
        ActivationBuffer.allocate(
            (bytes, alignment) -> arena.allocate(bytes), quantize, m, kernel.codeColumns());
    reference.quantize(quantize).run(values, x, 0, m);
    return x;
  }

  private Quantized quantized(int k, int n, Granularity granularity, IntSupplier code) {
    MemorySegment codes = arena.allocate((long) n * k, 64);
    for (long i = 0; i < codes.byteSize(); i++) {
      codes.set(JAVA_BYTE, i, (byte) code.getAsInt());
    }
    float[] scales = new float[granularity == Granularity.CHANNEL ? n : 1];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = random.uniform(0.001f, 0.02f);
    }
    return new Quantized("w", n, k, 8, granularity, codes, scales);
  }
}
