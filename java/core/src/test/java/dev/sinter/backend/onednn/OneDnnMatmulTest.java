package dev.sinter.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OneDnnMatmulTest {
  private static final List<Epilogue> EPILOGUES =
      List.of(
          Epilogue.NONE,
          Epilogue.BIAS,
          new Epilogue(true, Activation.GELU_ERF, false),
          new Epilogue(true, Activation.NONE, true),
          new Epilogue(false, Activation.GELU_ERF, true));

  private static final int[] ROWS = {1, 2, 3, 7, 16, 33, 64, 127};

  // Slope of GELU at its steepest, and an allowance for oneDNN's polynomial for erf, relative to
  // max(1, |x|). The allowance is chosen, not derived: oneDNN documents no bound.
  private static final double GELU_SLOPE = 1.13;
  private static final double GELU_ERROR = 5e-7;

  private static WorkerPool pool;
  private static OneDnnBackend backend;

  private final ReferenceBackend reference = new ReferenceBackend();
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @BeforeAll
  static void open() {
    pool = new WorkerPool("test", 2);
    backend = new OneDnnBackend(pool, null);
  }

  @AfterAll
  static void close() {
    pool.close();
    backend.close();
  }

  @AfterEach
  void free() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "1,17", "17,1", "31,15", "33,64", "127,257", "129,192", "384,384", "384,600", "1536,70"
  })
  void f32AgreesWithTheReference(int k, int n) {
    Dense weights = dense(k, n);
    for (Epilogue epilogue : EPILOGUES) {
      compare(weights, ActivationScheme.FLOAT, epilogue);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "1,17", "17,1", "31,15", "33,64", "127,257", "129,192", "384,384", "384,600", "1536,70"
  })
  void bf16AgreesWithTheReference(int k, int n) {
    Dense weights = dense(k, n).toBf16(arena);
    for (Epilogue epilogue : EPILOGUES) {
      compare(weights, ActivationScheme.BF16, epilogue);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "1,17", "17,1", "31,15", "33,64", "127,257", "129,192", "384,384", "384,600", "1536,70"
  })
  void w8a8AgreesWithTheReferenceAndItsIntegersExactly(int k, int n) {
    for (Granularity granularity : List.of(Granularity.TENSOR, Granularity.CHANNEL)) {
      Quantized weights = quantized(k, n, granularity, false);
      for (Epilogue epilogue : EPILOGUES) {
        compare(weights, ActivationScheme.U8_PER_TOKEN, epilogue);
      }
    }
  }

  @Test
  void extremeCodesSumExactly() {
    // Every weight -128 and codes that make the largest sums: as many columns again are needed.
    compare(
        quantized(300, 40, Granularity.CHANNEL, true),
        ActivationScheme.U8_PER_TOKEN,
        Epilogue.BIAS);
  }

  private void compare(CompressedTensor weights, ActivationScheme activations, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    Support support = backend.supports(spec);
    assertEquals(runs(OneDnnMatmul.type(spec)), support.supported(), support.reason());
    if (!support.supported()) {
      assertTrue(support.reason().contains(OneDnn.effectiveIsa()), support.reason());
      return;
    }
    float[] bias = epilogue.bias() ? random.normals(spec.n(), 1) : null;
    MatmulReference judge = reference.matmul(spec, weights, bias);
    try (MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
      assertFalse(kernel.implementation().contains("ref"), kernel.implementation());
      for (int m : ROWS) {
        try (GuardedMemory memory = new GuardedMemory()) {
          compare(kernel, judge, spec, weights, bias, m, memory);
        }
      }
    }
  }

  /** Whether oneDNN has code for this CPU, and code that does not saturate. */
  static boolean runs(MatmulShape.Type type) {
    CpuFeatures host = CpuFeatures.host();
    return switch (type) {
      case F32 -> true;
      case BF16 -> host.has("avx512bw");
      case U8S8, U8S8_ACCUMULATORS -> host.has("avx512vnni") || host.has("avxvnni");
    };
  }

  private void compare(
      MatmulKernel kernel,
      MatmulReference judge,
      MatmulSpec spec,
      CompressedTensor weights,
      float[] bias,
      int m,
      GuardedMemory memory) {
    String where = spec + ", m=" + m + " " + random;
    MemorySegment values = memory.floats((long) m * spec.k());
    random.fill(values, 1);
    ActivationBuffer x = ActivationBuffer.floats(values, m, spec.k());
    if (spec.activations() != ActivationScheme.FLOAT) {
      x =
          ActivationBuffer.allocate(
              (bytes, alignment) -> memory.allocate(bytes),
              spec.activations(),
              m,
              spec.k(),
              kernel.codeColumns());
      reference.quantize(new QuantizeSpec(spec.k(), spec.activations())).run(values, x, 0, m);
      if (spec.activations().isScaled()) {
        checkAccumulators((OneDnnMatmul) kernel, judge, spec, x, m, where);
      }
    }
    MemorySegment actual = memory.floats((long) m * spec.n());
    if (spec.epilogue().residual()) {
      random.fill(actual, 1);
    }
    MemorySegment expected = arena.allocate(actual.byteSize()).copyFrom(actual);
    for (int t = 0; t < judge.tiles(m); t++) {
      judge.run(0, t, m, x, expected);
    }
    run(pool, kernel, m, x, actual);
    float[] row = new float[spec.k()];
    for (int c = 0; c < spec.n(); c++) {
      weights.decodeRow(c, row);
      for (int r = 0; r < m; r++) {
        double bound = bound(spec, x, r, row, bias == null ? 0 : bias[c]);
        long index = (long) r * spec.n() + c;
        Tolerance.assertWithin(
            expected.getAtIndex(JAVA_FLOAT, index),
            actual.getAtIndex(JAVA_FLOAT, index),
            bound + 2 * Tolerance.rounding(expected.getAtIndex(JAVA_FLOAT, index)),
            where + " at " + r + "," + c);
      }
    }
    memory.check(where);
  }

  /** What f32 arithmetic may be off before the last rounding, from the terms that are summed. */
  private double bound(MatmulSpec spec, ActivationBuffer x, int row, float[] weights, float bias) {
    boolean codes = x.scheme().isScaled();
    double scale = codes ? x.scales().getAtIndex(JAVA_FLOAT, row) : 1;
    double zeroPoint = codes ? x.zeroPoints().getAtIndex(JAVA_INT, row) * scale : 0;
    double magnitude = 0;
    double exact = bias;
    double sum = 0;
    for (int k = 0; k < weights.length; k++) {
      double stored = stored(x, row, k) * scale;
      magnitude += Math.abs(stored * weights[k]);
      exact += (stored - zeroPoint) * weights[k];
      sum += weights[k];
    }
    // The sums of codes are exact integers (checked on their own), yet the f32 results err by more
    // than scaling the centred sum explains. Presumably oneDNN scales partial sums over K and adds
    // those, so the terms count as stored, the zero point's share among them.
    magnitude += Math.abs(zeroPoint * sum) + Math.abs(bias);
    double bound = Tolerance.dot(codes ? 8 : spec.k() + 2, magnitude + 1e-30);
    if (magnitude > 0) { // a code may be 0, and K 1
      Tolerance.assertTelling(bound, magnitude, spec);
    }
    if (spec.epilogue().activation() == Activation.GELU_ERF) {
      bound = GELU_SLOPE * bound + GELU_ERROR * Math.max(1, Math.abs(exact));
    }
    return bound;
  }

  private static double stored(ActivationBuffer x, int row, int k) {
    long index = (long) row * x.stride() + k;
    return switch (x.scheme()) {
      case FLOAT -> DType.F32.readFloat(x.data(), index);
      case BF16 -> DType.BF16.readFloat(x.data(), index);
      default -> x.data().get(JAVA_BYTE, index) & 0xff;
    };
  }

  private void checkAccumulators(
      OneDnnMatmul kernel,
      MatmulReference judge,
      MatmulSpec spec,
      ActivationBuffer x,
      int m,
      String where) {
    if (RowBuckets.pieces(m) != 1) {
      return; // one primitive has them; the other row counts are made of these
    }
    MemorySegment sums = arena.allocate(4L * m * spec.n());
    pool.run(
        w -> {
          if (w.index() == 0) {
            kernel.accumulators(0, m, x, sums);
          }
        });
    for (int r = 0; r < m; r++) {
      for (int c = 0; c < spec.n(); c++) {
        assertEquals(
            judge.accumulator(x, r, c),
            sums.getAtIndex(JAVA_INT, (long) r * spec.n() + c),
            where + " accumulator " + r + "," + c);
      }
    }
  }

  @Test
  void nanRowsStayNanAndStayInTheirRow() {
    int k = 40;
    int n = 33;
    for (CompressedTensor weights : ofEveryType(k, n)) {
      ActivationScheme activations = activations(weights);
      for (Epilogue epilogue : EPILOGUES) {
        MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
        float[] bias = epilogue.bias() ? random.normals(n, 1) : null;
        try (MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
          int m = 5;
          MemorySegment values = arena.allocate(4L * m * k);
          random.fill(values, 1);
          values.setAtIndex(JAVA_FLOAT, 2 * k + 7, Float.NaN);
          ActivationBuffer x = input(kernel, spec, values, m);
          MemorySegment y = arena.allocate(4L * m * n);
          run(pool, kernel, m, x, y);
          for (int i = 0; i < m * n; i++) {
            assertEquals(
                i / n == 2, Float.isNaN(y.getAtIndex(JAVA_FLOAT, i)), spec + " element " + i);
          }
        }
      }
    }
  }

  private ActivationBuffer input(
      MatmulKernel kernel, MatmulSpec spec, MemorySegment values, int m) {
    if (spec.activations() == ActivationScheme.FLOAT) {
      return ActivationBuffer.floats(values, m, spec.k());
    }
    ActivationBuffer x =
        ActivationBuffer.allocate(arena, spec.activations(), m, spec.k(), kernel.codeColumns());
    reference.quantize(new QuantizeSpec(spec.k(), spec.activations())).run(values, x, 0, m);
    return x;
  }

  @Test
  void sameBitsForAnyNumberOfThreads() {
    int k = 200;
    int n = 530;
    int m = 77;
    MemorySegment values = arena.allocate(4L * m * k);
    random.fill(values, 1);
    for (CompressedTensor weights : ofEveryType(k, n)) {
      ActivationScheme activations = activations(weights);
      MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
      float[] first = null;
      for (int threads = 1; threads <= 4; threads++) {
        try (WorkerPool team = new WorkerPool("test-" + threads, threads)) {
          OneDnnBackend other = new OneDnnBackend(team, null);
          MatmulKernel kernel = other.matmul(spec, weights, null);
          MemorySegment y = arena.allocate(4L * m * n);
          run(team, kernel, m, input(kernel, spec, values, m), y);
          kernel.close();
          other.close();
          float[] result = y.toArray(JAVA_FLOAT);
          first = first == null ? result : first;
          assertArrayEquals(first, result, 0, spec + " with " + threads + " threads " + random);
        }
      }
    }
  }

  @Test
  void refusesWhatItCannotRunFast() {
    MatmulSpec s8 =
        new MatmulSpec(
            8, 8, null, CodeFormat.perChannel(8), ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertFalse(backend.supports(s8).supported());
    assertTrue(backend.supports(s8).reason().contains("S8_PER_TOKEN"));
    MatmulSpec long1 =
        new MatmulSpec(
            ZeroPointColumns.MAX_K + 1,
            8,
            null,
            CodeFormat.perChannel(8),
            ActivationScheme.U8_PER_TOKEN,
            Epilogue.NONE);
    assertTrue(backend.supports(long1).reason().contains("overflow"));
    for (Epilogue other :
        List.of(
            Epilogue.gate(false, Activation.GELU_ERF),
            new Epilogue(true, Activation.SILU, false),
            new Epilogue(true, Activation.GELU_TANH, false))) {
      MatmulSpec f32 = new MatmulSpec(64, 8, DType.F32, null, ActivationScheme.FLOAT, other);
      String reason = backend.supports(f32).reason();
      assertTrue(reason.contains(other.gate() ? "no gate" : "not " + other.activation()), reason);
    }
    for (CodeFormat other :
        List.of(CodeFormat.perChannel(4), CodeFormat.inGroups(4, 32), CodeFormat.inGroups(8, 32))) {
      MatmulSpec codes =
          new MatmulSpec(64, 8, null, other, ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
      String reason = backend.supports(codes).reason();
      assertTrue(reason.contains("not " + other), reason);
    }
  }

  private static void run(
      WorkerPool pool, MatmulKernel kernel, int m, ActivationBuffer x, MemorySegment y) {
    pool.run(
        w -> w.forEachTile(kernel.tiles(m), (worker, tile) -> kernel.run(worker, tile, m, x, y)));
  }

  private List<CompressedTensor> ofEveryType(int k, int n) {
    List<CompressedTensor> all =
        List.of(
            dense(k, n), dense(k, n).toBf16(arena), quantized(k, n, Granularity.CHANNEL, false));
    return all.stream()
        .filter(w -> runs(OneDnnMatmul.type(MatmulSpec.of(w, activations(w), Epilogue.NONE))))
        .toList();
  }

  /** What oneDNN multiplies such weights with. */
  private static ActivationScheme activations(CompressedTensor weights) {
    return switch (weights.full()) {
      case Dense d when d.dtype() == DType.BF16 -> ActivationScheme.BF16;
      case Dense _ -> ActivationScheme.FLOAT;
      case Quantized _ -> ActivationScheme.U8_PER_TOKEN;
    };
  }

  private Dense dense(int k, int n) {
    MemorySegment data = arena.allocate(4L * n * k, 64);
    random.fill(data, 1);
    return new Dense("w", n, k, DType.F32, data);
  }

  private Quantized quantized(int k, int n, Granularity granularity, boolean lowest) {
    MemorySegment codes = arena.allocate((long) n * k, 64);
    for (long i = 0; i < codes.byteSize(); i++) {
      int code = lowest ? -128 : random.integer(-127, 128);
      codes.set(JAVA_BYTE, i, (byte) code);
    }
    float[] scales = new float[granularity == Granularity.CHANNEL ? n : 1];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = random.uniform(0.001f, 0.02f);
    }
    return new Quantized("w", n, k, 8, granularity, codes, scales);
  }
}
