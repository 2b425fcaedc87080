package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.SumBounds;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.IntSupplier;

/** Operands of the matmul tests, and the comparison with the reference. */
final class MatmulCases implements AutoCloseable {
  static final List<Epilogue> EPILOGUES =
      List.of(
          Epilogue.NONE,
          Epilogue.BIAS,
          new Epilogue(true, Activation.GELU_ERF, false),
          new Epilogue(true, Activation.NONE, true),
          new Epilogue(false, Activation.GELU_ERF, true),
          new Epilogue(true, Activation.GELU_TANH, false),
          new Epilogue(true, Activation.SILU, true));

  static final List<ActivationScheme> SCHEMES =
      List.of(ActivationScheme.FLOAT, ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN);

  /** Of weights that f32 activations are multiplied with. */
  static final List<CodeFormat> WEIGHT_ONLY =
      List.of(
          CodeFormat.perChannel(8),
          CodeFormat.inGroups(8, 64),
          CodeFormat.perChannel(4),
          CodeFormat.inGroups(4, 32),
          new CodeFormat(4, Granularity.GROUP, 96, true),
          new CodeFormat(4, Granularity.TENSOR, 0, true));

  private static final int[] ROWS = {1, 2, 3, 4, 5, 8, 33, 64, 65, 70, 131};

  final ReferenceBackend reference = new ReferenceBackend();
  final TestRandom random = new TestRandom();
  final Arena arena = Arena.ofShared();

  @Override
  public void close() {
    arena.close();
  }

  /** What ResultWriterVector states. */
  static double error(Activation activation) {
    return switch (activation) {
      case NONE -> 0;
      case GELU_ERF -> 2.5 * Tolerance.UNIT;
      case GELU_TANH, SILU -> 5.5 * Tolerance.UNIT;
    };
  }

  /** Every width against the reference, for many M. */
  void compare(CompressedTensor weights, ActivationScheme activations, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    float[] bias = epilogue.bias() ? random.normals(spec.weightRows(), 1) : null;
    int most = ROWS[ROWS.length - 1];
    MemorySegment values = arena.allocate(4L * most * spec.k(), 64);
    random.fill(values, 1);
    MemorySegment residual = arena.allocate(4L * most * spec.n(), 64);
    if (epilogue.residual()) {
      random.fill(residual, 1);
    }
    MatmulReference judge = reference.matmul(spec, weights, bias);
    ActivationBuffer input = input(spec, judge, values, most, arena);
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
            ActivationBuffer in = input(spec, kernel, x, m, memory);
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
    // Of a sum besides one for each k: that of the bias, and that of a weight which is decoded.
    int roundings = weights instanceof Quantized ? 2 : 1;
    SumBounds sums = new SumBounds(spec, m);
    float[] column = new float[spec.k()];
    for (int n = 0; n < weights.rows(); n++) {
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
        double bound =
            codes
                ? codeBound((Quantized) weights, x, r, n) + Tolerance.rounding(exact + added)
                : Tolerance.dot(spec.k() + roundings, magnitude + Math.abs(added));
        Tolerance.assertTelling(bound, magnitude + Math.abs(added) + 1e-30, spec);
        sums.set(r, n, exact + added, bound);
      }
    }
    double[] bounds = sums.results(error(spec.epilogue().activation()));
    for (int i = 0; i < bounds.length; i++) {
      bounds[i] += 2.01 * Tolerance.rounding(expected.getAtIndex(JAVA_FLOAT, i));
    }
    return bounds;
  }

  /**
   * The exact sum of each group is rounded to a float; one fused multiply-add, or multiplication,
   * with its scale adds it to those before, and all are multiplied by the scale of the input.
   */
  private static double codeBound(Quantized weights, ActivationBuffer x, int row, int n) {
    int width = weights.format().groupWidth(weights.columns());
    int groups = weights.format().groups(weights.columns());
    float[] column = new float[weights.columns()];
    weights.decodeRow(n, column);
    double magnitude = 0;
    for (int from = 0; from < column.length; from += width) {
      double sum = 0;
      for (int k = from; k < Math.min(column.length, from + width); k++) {
        sum += value(x, row, k) * column[k];
      }
      magnitude += Math.abs(sum);
    }
    return Tolerance.gamma(groups + 3) * magnitude;
  }

  private static double value(ActivationBuffer x, int row, int k) {
    long at = (long) row * x.stride() + k;
    return switch (x.scheme()) {
      case FLOAT -> x.data().getAtIndex(JAVA_FLOAT, at);
      case BF16 -> throw new AssertionError("has no such kernel");
      case S8_PER_TOKEN ->
          x.data().get(JAVA_BYTE, at) * (double) x.scales().getAtIndex(JAVA_FLOAT, row);
      case U8_PER_TOKEN ->
          ((x.data().get(JAVA_BYTE, at) & 0xff) - x.zeroPoints().getAtIndex(JAVA_INT, row))
              * (double) x.scales().getAtIndex(JAVA_FLOAT, row);
      default -> throw new AssertionError("has no such kernel");
    };
  }

  /** Rows as {@code kernel} wants them. */
  ActivationBuffer input(
      MatmulSpec spec, MatmulKernel kernel, MemorySegment values, int m, Arena memory) {
    if (spec.activations() == ActivationScheme.FLOAT) {
      return ActivationBuffer.floats(values, m, spec.k());
    }
    QuantizeSpec quantize = quantize(spec, kernel);
    ActivationBuffer x = ActivationBuffer.allocate(memory, quantize, m, kernel.codeColumns());
    reference.quantize(quantize).run(values, x, 0, m);
    return x;
  }

  static QuantizeSpec quantize(MatmulSpec spec, MatmulKernel kernel) {
    return new QuantizeSpec(spec.k(), spec.activations(), kernel.signedCodes(), kernel.sumStep());
  }

  static void runAll(MatmulKernel kernel, int m, ActivationBuffer x, MemorySegment y) {
    for (int t = kernel.tiles(m) - 1; t >= 0; t--) {
      kernel.run(0, t, m, x, y);
    }
  }

  /** Of each type that the scheme is multiplied with. */
  List<CompressedTensor> weights(ActivationScheme activations, int k, int n) {
    return activations == ActivationScheme.FLOAT
        ? List.of(
            dense(k, n),
            quantized(k, n, CodeFormat.inGroups(8, 64)),
            quantized(k, n, new CodeFormat(4, Granularity.GROUP, 96, true)))
        : List.of(
            quantized(k, n, CodeFormat.perChannel(8)),
            quantized(k, n, CodeFormat.inGroups(4, 32)),
            quantized(k, n, new CodeFormat(4, Granularity.GROUP, 96, true)),
            quantized(k, n, CodeFormat.inGroups(Code.TERNARY, 64)),
            quantized(k, n, CodeFormat.inGroups(Code.BINARY, 32)));
  }

  Dense dense(int k, int n) {
    MemorySegment data = arena.allocate(4L * n * k, 64);
    random.fill(data, 1);
    return new Dense("w", n, k, DType.F32, data);
  }

  /** Random codes and scales, and zero points if the format has them. */
  Quantized quantized(int k, int n, CodeFormat format) {
    int most = format.code().max();
    return switch (format.code()) {
      case BINARY -> quantized(k, n, format, () -> 2 * random.integer(0, 2) - 1);
      case TERNARY -> quantized(k, n, format, () -> random.integer(-1, 2));
      case INT4, INT8 -> quantized(k, n, format, () -> random.integer(-most - 1, most + 1));
    };
  }

  Quantized quantized(int k, int n, CodeFormat format, IntSupplier code) {
    MemorySegment codes = arena.allocate(n * format.rowBytes(k), 64);
    byte[] row = new byte[k];
    for (int r = 0; r < n; r++) {
      for (int i = 0; i < k; i++) {
        row[i] = (byte) code.getAsInt();
      }
      format.write(row, codes, r * format.rowBytes(k));
    }
    float[] scales = new float[format.scales(n, k)];
    byte[] zeroPoints = format.zeroPoints() ? new byte[scales.length] : null;
    for (int i = 0; i < scales.length; i++) {
      scales[i] = random.uniform(0.001f, 0.02f);
      if (zeroPoints != null) {
        zeroPoints[i] = (byte) random.integer(0, 16);
      }
    }
    return new Quantized("w", n, k, format, codes, scales, zeroPoints);
  }
}
