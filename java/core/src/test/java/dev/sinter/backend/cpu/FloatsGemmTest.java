package dev.sinter.backend.cpu;

import static dev.sinter.backend.cpu.PanelMatmulCases.EPILOGUES;
import static dev.sinter.backend.cpu.PanelMatmulCases.GATES;
import static dev.sinter.backend.cpu.PanelMatmulCases.ROWS;
import static dev.sinter.backend.cpu.PanelMatmulCases.isas;
import static dev.sinter.backend.cpu.PanelMatmulCases.run;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.SumBounds;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Java side; the kernels are compared bit for bit in native/test/float_gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class FloatsGemmTest {
  /** Types of weights and activations. */
  private enum Types {
    F32(DType.F32, ActivationScheme.FLOAT),
    BF16(DType.BF16, ActivationScheme.BF16),
    BF16_WEIGHTS(DType.BF16, ActivationScheme.FLOAT);

    private final DType weights;
    private final ActivationScheme activations;

    Types(DType weights, ActivationScheme activations) {
      this.weights = weights;
      this.activations = activations;
    }

    Set<Isa> isas() {
      return PanelMatmulCases.isas(this == BF16 ? Bf16GemmNative.COMPILED : FloatsGemm.COMPILED);
    }

    /** The next K that these have. */
    int columns(int k) {
      return this == BF16_WEIGHTS ? k + k % 2 : k;
    }
  }

  private final ReferenceBackend reference = new ReferenceBackend();
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void free() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "384,385", "1537,16"})
  void agreesWithTheReference(int k, int n) {
    for (Types types : Types.values()) {
      Dense weights = dense(types, n, types.columns(k));
      for (Epilogue epilogue : EPILOGUES) {
        compare(types, weights, epilogue);
      }
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (Types types : Types.values()) {
      for (int n : GATES) {
        for (Activation activation : Activation.values()) {
          Dense weights = dense(types, 2 * n, types.columns(random.integer(1, 300)));
          compare(types, weights, Epilogue.gate(n % 2 == 0, activation));
        }
      }
      compare(types, dense(types, 2 * 200, 1600), Epilogue.gate(true, Activation.SILU));
    }
  }

  private void compare(Types types, Dense weights, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, types.activations, epilogue);
    float[] bias = epilogue.bias() ? random.normals(spec.weightRows(), 1) : null;
    MatmulKernel judge = reference.matmul(spec, weights, bias);
    for (int m : ROWS) {
      ActivationBuffer values = rows(spec, normals((long) m * spec.k()), m, arena::allocate);
      MemorySegment before = normals((long) m * spec.n());
      MemorySegment expected = arena.allocate(before.byteSize()).copyFrom(before);
      run(judge, m, values, expected);
      double[] bounds = bounds(spec, weights, values, m, bias);
      MemorySegment first = null;
      for (Isa isa : types.isas()) {
        String where = isa + " " + spec + ", m=" + m + " " + random;
        try (GuardedMemory memory = new GuardedMemory();
            MatmulKernel kernel = kernel(spec, weights, bias, isa)) {
          ActivationBuffer x =
              rows(spec, normals((long) m * spec.k()), m, (bytes, _) -> memory.allocate(bytes));
          x.data().copyFrom(values.data());
          MemorySegment y = memory.floats((long) m * spec.n()).copyFrom(before);
          run(kernel, m, x, y);
          for (int i = 0; i < m * spec.n(); i++) {
            float wanted = expected.getAtIndex(JAVA_FLOAT, i);
            float found = y.getAtIndex(JAVA_FLOAT, i);
            // Both add to y and round, ours after it has rounded what it adds.
            double bound = bounds[i] + 2 * Tolerance.rounding(wanted);
            Tolerance.assertWithin(wanted, found, bound, where + " element " + i);
          }
          first = first == null ? arena.allocate(before.byteSize()).copyFrom(y) : first;
          if (isa != Isa.AVX512BF16) { // which takes pairs of k the other way round
            assertEquals(-1, first.mismatch(y), "not the bits of scalar code: " + where);
          }
          memory.check(where);
        }
      }
    }
  }

  /**
   * K fused multiply-adds and the addition of the bias, each rounded; and a step that an
   * instruction for pairs takes to be 0, as it does a subnormal factor.
   */
  private static double[] bounds(
      MatmulSpec spec, Dense weights, ActivationBuffer x, int m, float[] bias) {
    int k = spec.k();
    DType ofX = x.scheme() == ActivationScheme.BF16 ? DType.BF16 : DType.F32;
    SumBounds bounds = new SumBounds(spec, m);
    for (int row = 0; row < m; row++) {
      for (int c = 0; c < weights.rows(); c++) {
        double exact = bias == null ? 0 : bias[c];
        double magnitude = Math.abs(exact);
        double flushed = 0;
        for (int i = 0; i < k; i++) {
          float left = ofX.readFloat(x.data(), (long) row * x.stride() + i);
          float right = weights.dtype().readFloat(weights.data(), (long) c * k + i);
          double product = (double) left * right;
          exact += product;
          magnitude += Math.abs(product);
          boolean subnormal = Math.min(Math.abs(left), Math.abs(right)) < Float.MIN_NORMAL;
          flushed += (subnormal ? Math.abs(product) : 0) + Float.MIN_NORMAL;
        }
        double bound =
            Tolerance.dot(k + 1, magnitude) + (x.scheme() == ActivationScheme.BF16 ? flushed : 0);
        Tolerance.assertTelling(bound, magnitude, "row " + row + " column " + c);
        bounds.set(row, c, exact, bound);
      }
    }
    return bounds.results(PanelMatmulCases.ACTIVATION_ERROR);
  }

  @Test
  void aRowDependsOnItselfAlone() {
    int n = 230;
    int m = 300;
    for (Types types : Types.values()) {
      int k = types.columns(201);
      Dense weights = dense(types, n, k);
      MatmulSpec spec = MatmulSpec.of(weights, types.activations, Epilogue.NONE);
      MemorySegment values = normals((long) m * k);
      int nan = 131;
      values.setAtIndex(JAVA_FLOAT, (long) nan * k + 5, Float.NaN);
      for (Isa isa : types.isas()) {
        try (MatmulKernel kernel = kernel(spec, weights, null, isa)) {
          MemorySegment all = arena.allocate(4L * m * n);
          run(kernel, m, rows(spec, values, m, arena::allocate), all);
          for (int row : new int[] {0, 1, 127, 128, 130, nan, 132, 299}) {
            MemorySegment alone = arena.allocate(4L * n);
            MemorySegment input =
                arena.allocate(4L * k).copyFrom(values.asSlice(4L * row * k, 4L * k));
            run(kernel, 1, rows(spec, input, 1, arena::allocate), alone);
            assertEquals(row == nan, Float.isNaN(alone.getAtIndex(JAVA_FLOAT, 0)));
            MemorySegment among = all.asSlice(4L * row * n, 4L * n);
            assertEquals(-1, among.mismatch(alone), isa + " " + types + " row " + row);
          }
        }
      }
    }
  }

  @Test
  void theBackendTakesThemAndSaysWhyForOthers() {
    String best = Isa.best(isas(FloatsGemm.COMPILED), FloatsGemm.COMPILED).text();
    assertImplementation("sinter_f32_gemm_" + best, Types.F32, null);
    assertImplementation("sinter_bf16_weights_gemm_" + best, Types.BF16_WEIGHTS, null);
    assertImplementation("sinter_bf16_gemm_scalar", Types.BF16, "scalar");
    assertRefusal("not F16 with FLOAT", 8, DType.F16);
    assertRefusal("K is odd: 7", 7, DType.BF16);
  }

  private void assertImplementation(String expected, Types types, String isaCap) {
    Dense weights = dense(types, 20, 40);
    MatmulSpec spec = MatmulSpec.of(weights, types.activations, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, isaCap);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      assertEquals(expected, kernel.implementation());
      assertTrue(expected.endsWith("_" + kernel.isa()), kernel.isa());
    }
  }

  private static void assertRefusal(String expected, int k, DType weights) {
    try (CpuBackend backend = new CpuBackend(1, null)) {
      MatmulSpec spec = new MatmulSpec(k, 8, weights, null, ActivationScheme.FLOAT, Epilogue.NONE);
      String reason = backend.supports(spec).reason();
      assertTrue(reason.contains(expected), reason);
    }
  }

  /** oneDNN has the instruction for tiles where the CPU has it. */
  @Test
  void bf16IsLeftToOneDnnWhereThereIsAmx() {
    MatmulSpec spec = new MatmulSpec(8, 8, DType.BF16, null, ActivationScheme.BF16, Epilogue.NONE);
    boolean amx = CpuFeatures.host().has("amxbf16");
    try (CpuBackend backend = new CpuBackend(1, null)) {
      assertEquals(!amx, backend.supports(spec).supported(), backend.supports(spec).reason());
    }
    if (!amx) {
      String best = Isa.best(Types.BF16.isas(), Bf16GemmNative.COMPILED).text();
      assertImplementation("sinter_bf16_gemm_" + best, Types.BF16, null);
      assertEquals(CpuFeatures.host().has("avx512bf16"), best.equals("avx512bf16"), best);
    }
  }

  /** NaN and infinity come out as the reference has them, whatever lies beside them in a pair. */
  @Test
  void bf16HasTheNanAndInfinityOfTheReference() {
    float[] values = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0, 1, -2};
    int k = 7; // with a last pair that is half padding
    int m = values.length * k;
    MemorySegment inputs = arena.allocate(4L * m * k, 64);
    for (int row = 0; row < m; row++) {
      for (int i = 0; i < k; i++) {
        inputs.setAtIndex(JAVA_FLOAT, (long) row * k + i, i == row % k ? values[row / k] : 1);
      }
    }
    Dense weights = new Dense("w", m, k, DType.F32, inputs).toBf16(arena);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.BF16, Epilogue.NONE);
    ActivationBuffer x = rows(spec, inputs, m, arena::allocate);
    MemorySegment expected = arena.allocate(4L * m * m);
    run(reference.matmul(spec, weights, null), m, x, expected);
    for (Isa isa : Types.BF16.isas()) {
      MemorySegment y = arena.allocate(4L * m * m);
      try (MatmulKernel kernel = kernel(spec, weights, null, isa)) {
        run(kernel, m, x, y);
      }
      for (int i = 0; i < m * m; i++) {
        float wanted = expected.getAtIndex(JAVA_FLOAT, i);
        assertEquals(wanted, y.getAtIndex(JAVA_FLOAT, i), isa + " element " + i); // all exact
      }
    }
  }

  private static MatmulKernel kernel(MatmulSpec spec, Dense weights, float[] bias, Isa isa) {
    if (weights.dtype() == DType.F32) {
      return new F32GemmNative(spec, FloatsGemm.packer(spec, weights, null), bias, 1, isa);
    }
    return spec.activations() == ActivationScheme.BF16
        ? new Bf16GemmNative(spec, FloatsGemm.packer(spec, weights, null), bias, 1, isa)
        : new Bf16WeightsGemmNative(spec, FloatsGemm.packer(spec, weights, null), bias, 1, isa);
  }

  /** Rows of x in the type of the spec, as a kernel wants them. */
  private ActivationBuffer rows(
      MatmulSpec spec, MemorySegment values, int m, SegmentAllocator allocator) {
    if (spec.activations() == ActivationScheme.FLOAT) {
      MemorySegment copy = allocator.allocate(4L * m * spec.k(), 64);
      return ActivationBuffer.floats(copy.copyFrom(values), m, spec.k());
    }
    QuantizeSpec to = new QuantizeSpec(spec.k(), spec.activations());
    ActivationBuffer rows =
        ActivationBuffer.allocate(
            allocator, to.scheme(), m, spec.k(), FloatPanels.columns(spec.weights(), spec.k()));
    reference.quantize(to).run(values, rows, 0, m);
    return rows;
  }

  private Dense dense(Types types, int n, int k) {
    Dense f32 = new Dense("w", n, k, DType.F32, normals((long) n * k));
    return types.weights == DType.BF16 ? f32.toBf16(arena) : f32;
  }

  private MemorySegment normals(long count) {
    MemorySegment values = arena.allocate(4 * count, 64);
    random.fill(values, 1);
    return values;
  }

  /** Native code takes addresses: what is wrong with them must be seen before. */
  @Test
  void refusesMemoryThatNativeCodeCannotUse() {
    Dense weights = new Dense("w", 4, 8, DType.F32, arena.allocate(4L * 4 * 8, 64));
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
    MemorySegment x = arena.allocate(4L * 2 * 8, 64);
    MemorySegment y = arena.allocate(4L * 2 * 4, 64);
    MemorySegment closed;
    try (Arena gone = Arena.ofShared()) {
      closed = gone.allocate(4L * 2 * 4, 64);
    }
    try (MatmulKernel kernel =
        new F32GemmNative(spec, FloatsGemm.packer(spec, weights, null), null, 1, Isa.SCALAR)) {
      ActivationBuffer good = ActivationBuffer.floats(x, 2, 8);
      kernel.run(0, 0, 2, good, y);
      ActivationBuffer tooShort = ActivationBuffer.floats(x.asSlice(4), 2, 8);
      ActivationBuffer heap = ActivationBuffer.floats(MemorySegment.ofArray(new float[16]), 2, 8);
      Class<IllegalArgumentException> refusal = IllegalArgumentException.class;
      assertThrows(refusal, () -> kernel.run(0, 0, 3, good, y));
      assertThrows(refusal, () -> kernel.run(0, 0, 0, good, y));
      assertThrows(refusal, () -> kernel.run(0, 0, 2, tooShort, y));
      assertThrows(refusal, () -> kernel.run(0, 0, 2, good, y.asSlice(4)));
      assertThrows(refusal, () -> kernel.run(0, 0, 2, heap, y));
      assertThrows(refusal, () -> kernel.run(0, 0, 2, good, MemorySegment.ofArray(new float[8])));
      assertThrows(IllegalStateException.class, () -> kernel.run(0, 0, 2, good, closed));
    }
  }
}
