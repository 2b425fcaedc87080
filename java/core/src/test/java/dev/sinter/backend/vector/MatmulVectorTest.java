package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MatmulVectorTest {
  private static final List<Epilogue> EPILOGUES =
      List.of(
          Epilogue.NONE,
          Epilogue.BIAS,
          new Epilogue(true, Activation.GELU_ERF, false),
          new Epilogue(true, Activation.NONE, true),
          new Epilogue(false, Activation.GELU_ERF, true));

  private static final List<ActivationScheme> SCHEMES =
      List.of(ActivationScheme.FLOAT, ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN);

  private static final int[] ROWS = {1, 2, 3, 4, 5, 8, 33, 64, 65, 70, 131};

  // Slope of GELU at its steepest, and what ResultWriterVector states for its own.
  private static final double GELU_SLOPE = 1.13;
  static final double GELU_ERROR = 2.5 * Tolerance.UNIT;

  private final ReferenceBackend reference = new ReferenceBackend();
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void free() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "1,17", "2,64", "17,1", "31,15", "63,16", "64,128", "65,33", "127,257", "129,131",
    "384,70", "1025,66", "1537,5"
  })
  void agreesWithTheReference(int k, int n) {
    int cases = 0;
    for (ActivationScheme activations : SCHEMES) {
      for (Granularity granularity : List.of(Granularity.TENSOR, Granularity.CHANNEL)) {
        if (activations == ActivationScheme.FLOAT && granularity != Granularity.TENSOR) {
          continue;
        }
        CompressedTensor weights =
            activations == ActivationScheme.FLOAT
                ? dense(k, n)
                : quantized(k, n, granularity, () -> random.integer(-128, 128));
        for (Epilogue epilogue : EPILOGUES) {
          compare(weights, activations, epilogue);
          cases++;
        }
      }
    }
    assertEquals(5 * EPILOGUES.size(), cases);
  }

  private void compare(CompressedTensor weights, ActivationScheme activations, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    float[] bias = epilogue.bias() ? random.normals(spec.n(), 1) : null;
    int most = ROWS[ROWS.length - 1];
    MemorySegment values = arena.allocate(4L * most * spec.k(), 64);
    random.fill(values, 1);
    MemorySegment residual = arena.allocate(4L * most * spec.n(), 64);
    if (epilogue.residual()) {
      random.fill(residual, 1);
    }
    MatmulReference judge = reference.matmul(spec, weights, bias);
    ActivationBuffer input = input(spec, judge.codeColumns(), values, most, arena);
    MemorySegment expected = arena.allocate(residual.byteSize(), 64).copyFrom(residual);
    runAll(judge, most, input, expected);
    double[] bounds = bounds(spec, weights, input, most, bias, expected);
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
        float[] first = null;
        for (int m : ROWS) {
          String where = bits + " bits, " + spec + ", m=" + m + " " + random;
          try (GuardedMemory memory = new GuardedMemory()) {
            MemorySegment x = memory.floats((long) m * spec.k());
            MemorySegment.copy(values, 0, x, 0, x.byteSize());
            MemorySegment y = memory.floats((long) m * spec.n());
            MemorySegment.copy(residual, 0, y, 0, y.byteSize());
            ActivationBuffer in = input(spec, kernel.codeColumns(), x, m, memory);
            runAll(kernel, m, in, y);
            for (int i = 0; i < m * spec.n(); i++) {
              float want = expected.getAtIndex(JAVA_FLOAT, i);
              String at = where + " at " + i / spec.n() + "," + i % spec.n();
              Tolerance.assertWithin(want, y.getAtIndex(JAVA_FLOAT, i), bounds[i], at);
            }
            // The first row does not depend on how many there are.
            float[] row = y.asSlice(0, 4L * spec.n()).toArray(JAVA_FLOAT);
            first = first == null ? row : first;
            assertArrayEquals(first, row, 0, where);
            memory.check(where);
          }
        }
      }
    }
  }

  /** What f32 arithmetic may be off, from the terms that are summed. */
  private double[] bounds(
      MatmulSpec spec,
      CompressedTensor weights,
      ActivationBuffer x,
      int m,
      float[] bias,
      MemorySegment expected) {
    boolean codes = x.scheme().isScaled();
    double[] bounds = new double[m * spec.n()];
    float[] column = new float[spec.k()];
    for (int n = 0; n < spec.n(); n++) {
      weights.decodeRow(n, column);
      double added = bias == null ? 0 : bias[n];
      for (int r = 0; r < m; r++) {
        double magnitude = 0;
        double exact = 0;
        for (int k = 0; k < spec.k(); k++) {
          double product = value(x, r, k) * column[k];
          exact += product;
          magnitude += Math.abs(product);
        }
        // An exact sum of codes is rounded once, multiplied twice; its bias is added.
        double bound =
            codes
                ? Tolerance.gamma(4) * Math.abs(exact) + Tolerance.gamma(1) * Math.abs(added)
                : Tolerance.dot(spec.k() + 1, magnitude + Math.abs(added));
        Tolerance.assertTelling(bound, magnitude + Math.abs(added) + 1e-30, spec);
        if (spec.epilogue().activation() == Activation.GELU_ERF) {
          bound = GELU_SLOPE * bound + GELU_ERROR * Math.max(1, Math.abs(exact + added));
        }
        float want = expected.getAtIndex(JAVA_FLOAT, (long) r * spec.n() + n);
        bounds[r * spec.n() + n] = bound + 2.01 * Tolerance.rounding(want);
      }
    }
    return bounds;
  }

  private static double value(ActivationBuffer x, int row, int k) {
    long at = (long) row * x.stride() + k;
    return switch (x.scheme()) {
      case FLOAT -> x.data().getAtIndex(JAVA_FLOAT, at);
      case S8_PER_TOKEN ->
          x.data().get(JAVA_BYTE, at) * (double) x.scales().getAtIndex(JAVA_FLOAT, row);
      case U8_PER_TOKEN ->
          ((x.data().get(JAVA_BYTE, at) & 0xff) - x.zeroPoints().getAtIndex(JAVA_INT, row))
              * (double) x.scales().getAtIndex(JAVA_FLOAT, row);
      default -> throw new AssertionError("has no such kernel");
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void accumulatorsAreExact(ActivationScheme activations) {
    int[] extremes = {-128, -127, -1, 0, 1, 127};
    for (int k : new int[] {1, 3, 64, 130, 1100}) {
      checkAccumulators(activations, k, 131, () -> random.integer(-128, 128), -1);
      checkAccumulators(
          activations, k, 131, () -> extremes[random.integer(0, extremes.length)], -1);
      for (int weight : new int[] {-128, 127}) {
        for (int code : new int[] {0, 127, 128, 255}) { // as bytes: 0, 127, -128, -1
          checkAccumulators(activations, k, 3, () -> weight, code);
        }
      }
    }
  }

  @Test
  void accumulatorsOfTheLongestRowsStillFit() {
    int k = MatmulInt8Vector.MAX_K;
    checkAccumulators(ActivationScheme.U8_PER_TOKEN, k, 2, () -> -128, 255);
    checkAccumulators(ActivationScheme.U8_PER_TOKEN, k, 2, () -> 127, 0);
    MatmulSpec longer =
        new MatmulSpec(
            k + 1, 2, null, CodeFormat.perChannel(8), ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    Support support = new VectorBackend(1, 0).supports(longer);
    assertFalse(support.supported());
    assertTrue(support.reason().contains("may overflow"), support.reason());
  }

  /**
   * @param code every code, or -1 for random ones
   */
  private void checkAccumulators(
      ActivationScheme activations, int k, int n, IntSupplier weight, int code) {
    Quantized weights = quantized(k, n, Granularity.TENSOR, weight);
    MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
    MatmulReference judge = reference.matmul(spec, weights, null);
    int m = 6;
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulScratch scratch = new MatmulScratch(1);
          MatmulInt8Vector kernel = (MatmulInt8Vector) backend.matmul(spec, weights, null)) {
        ActivationBuffer x =
            ActivationBuffer.allocate(arena, activations, m, k, kernel.codeColumns());
        for (int r = 0; r < m; r++) {
          for (int i = 0; i < x.stride(); i++) { // the padding is not to matter
            int value = code < 0 || i >= k ? random.integer(0, 256) : code;
            x.data().set(JAVA_BYTE, (long) r * x.stride() + i, (byte) value);
          }
          int zeroPoint = r < 2 ? 255 * r : random.integer(0, 256);
          boolean unsigned = activations == ActivationScheme.U8_PER_TOKEN;
          x.zeroPoints().setAtIndex(JAVA_INT, r, unsigned ? zeroPoint : 0);
        }
        for (int rows : new int[] {1, 3, 4, 6}) {
          for (int first = 0; first < kernel.panels; first++) {
            int[] sums = kernel.accumulators(scratch.piece(0), x, m - rows, rows, first, first + 1);
            for (int i = 0; i < sums.length; i++) {
              int row = m - rows + i / kernel.width;
              int column = first * kernel.width + i % kernel.width;
              String where =
                  bits + " bits, " + spec + ", " + rows + " rows, code " + code + " at " + row;
              long want = column < n ? judge.accumulator(x, row, column) : 0;
              assertEquals(want, sums[i], where + "," + column + " " + random);
            }
          }
        }
      }
    }
  }

  @Test
  void nanRowsStayNanAndStayInTheirRow() {
    int k = 40;
    int n = 33;
    int m = 5;
    for (ActivationScheme activations : SCHEMES) {
      for (Epilogue epilogue : EPILOGUES) {
        CompressedTensor weights = weights(activations, k, n);
        MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
        float[] bias = epilogue.bias() ? random.normals(n, 1) : null;
        try (VectorBackend backend = new VectorBackend(1, 0);
            MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
          MemorySegment values = arena.allocate(4L * m * k);
          random.fill(values, 1);
          values.setAtIndex(JAVA_FLOAT, 2 * k + 7, Float.NaN);
          MemorySegment y = arena.allocate(4L * m * n);
          runAll(kernel, m, input(spec, kernel.codeColumns(), values, m, arena), y);
          for (int i = 0; i < m * n; i++) {
            boolean nan = Float.isNaN(y.getAtIndex(JAVA_FLOAT, i));
            assertEquals(i / n == 2, nan, spec + " element " + i);
          }
        }
      }
    }
  }

  @Test
  void heapSegmentsGiveTheSameBits() {
    int k = 130;
    int n = 70;
    int m = 7;
    for (ActivationScheme activations : SCHEMES) {
      CompressedTensor weights = weights(activations, k, n);
      MatmulSpec spec =
          MatmulSpec.of(weights, activations, new Epilogue(false, Activation.GELU_ERF, true));
      for (int bits : Widths.ofThisHost()) {
        try (VectorBackend backend = new VectorBackend(1, bits);
            MatmulKernel kernel = backend.matmul(spec, weights, null)) {
          MemorySegment values = arena.allocate(4L * m * k, 64);
          random.fill(values, 1);
          MemorySegment y = arena.allocate(4L * m * n, 64);
          runAll(kernel, m, input(spec, kernel.codeColumns(), values, m, arena), y);
          MemorySegment heapValues = MemorySegment.ofArray(values.toArray(JAVA_FLOAT));
          MemorySegment heapY = MemorySegment.ofArray(new float[m * n]);
          ActivationBuffer x;
          if (activations == ActivationScheme.FLOAT) {
            x = ActivationBuffer.floats(heapValues, m, k);
          } else {
            x =
                ActivationBuffer.allocate(
                    (size, alignment) -> MemorySegment.ofArray(new byte[(int) size]),
                    activations,
                    m,
                    k,
                    kernel.codeColumns());
            backend.quantize(new QuantizeSpec(k, activations)).run(heapValues, x, 0, m);
          }
          runAll(kernel, m, x, heapY);
          assertArrayEquals(y.toArray(JAVA_FLOAT), heapY.toArray(JAVA_FLOAT), 0, bits + " " + spec);
        }
      }
    }
  }

  @Test
  void closedKernelsAndWrongInputsAreErrors() {
    for (ActivationScheme activations : SCHEMES) {
      CompressedTensor weights = weights(activations, 20, 10);
      MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
      VectorBackend backend = new VectorBackend(1, 0);
      MatmulKernel kernel = backend.matmul(spec, weights, null);
      MemorySegment values = arena.allocate(4L * 2 * 20, 64);
      MemorySegment y = arena.allocate(4L * 2 * 10, 64);
      ActivationBuffer x = input(spec, kernel.codeColumns(), values, 2, arena);
      ActivationBuffer other = ActivationBuffer.floats(values, 2, 19);
      assertRefused(() -> kernel.run(0, 0, 3, x, y), "asked for 3 rows");
      assertRefused(() -> kernel.run(0, 0, 0, x, y), "asked for 0 rows");
      assertRefused(() -> kernel.run(0, 0, 2, other, y), "2 rows of 19 FLOAT");
      assertRefused(() -> backend.matmul(spec, weights(activations, 20, 11), null), "w of ");
      assertRefused(() -> backend.matmul(spec, weights, new float[10]), "bias must");
      assertRefused(() -> kernel.run(0, 0, 2, x, y.asSlice(4)), "output of 76 bytes");
      assertTrue(kernel.bytes() >= 20 * 10 * (activations == ActivationScheme.FLOAT ? 4 : 1));
      kernel.close();
      kernel.close();
      assertThrows(IllegalStateException.class, () -> kernel.run(0, 0, 2, x, y));
      backend.close();
      backend.close();
    }
  }

  @Test
  void refusesOtherPrecisions() {
    VectorBackend backend = new VectorBackend(1, 0);
    MatmulSpec bf16 = new MatmulSpec(8, 8, DType.BF16, null, ActivationScheme.FLOAT, Epilogue.NONE);
    MatmulSpec weightOnly =
        new MatmulSpec(8, 8, null, CodeFormat.perChannel(8), ActivationScheme.FLOAT, Epilogue.NONE);
    assertFalse(backend.supports(bf16).supported());
    assertFalse(backend.supports(weightOnly).supported());
    MatmulSpec int4 =
        new MatmulSpec(
            64, 8, null, CodeFormat.inGroups(4, 32), ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertFalse(backend.supports(int4).supported());
    assertRefused(() -> backend.matmul(bf16, null, null), "F32 weights");
  }

  private static void assertRefused(Runnable call, String part) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private ActivationBuffer input(
      MatmulSpec spec, int stride, MemorySegment values, int m, Arena memory) {
    if (spec.activations() == ActivationScheme.FLOAT) {
      return ActivationBuffer.floats(values, m, spec.k());
    }
    ActivationBuffer x = ActivationBuffer.allocate(memory, spec.activations(), m, spec.k(), stride);
    reference.quantize(new QuantizeSpec(spec.k(), spec.activations())).run(values, x, 0, m);
    return x;
  }

  static void runAll(MatmulKernel kernel, int m, ActivationBuffer x, MemorySegment y) {
    for (int t = kernel.tiles(m) - 1; t >= 0; t--) {
      kernel.run(0, t, m, x, y);
    }
  }

  private CompressedTensor weights(ActivationScheme activations, int k, int n) {
    return activations == ActivationScheme.FLOAT
        ? dense(k, n)
        : quantized(k, n, Granularity.CHANNEL, () -> random.integer(-128, 128));
  }

  private Dense dense(int k, int n) {
    MemorySegment data = arena.allocate(4L * n * k, 64);
    random.fill(data, 1);
    return new Dense("w", n, k, DType.F32, data);
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
