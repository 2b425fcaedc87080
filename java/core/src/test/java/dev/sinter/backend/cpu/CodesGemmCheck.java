package dev.sinter.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.SumBounds;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;

/** What the tests of the integer matmuls do with a kernel. */
final class CodesGemmCheck implements AutoCloseable {
  static final List<Epilogue> EPILOGUES = PanelMatmulCases.EPILOGUES;
  static final List<ActivationScheme> SCHEMES =
      List.of(ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN);
  static final List<ActivationScheme> GROUPED =
      List.of(
          ActivationScheme.U8_PER_GROUP_32,
          ActivationScheme.U8_PER_GROUP_128,
          ActivationScheme.S8_PER_GROUP_32,
          ActivationScheme.S8_PER_GROUP_128);
  private static final int[] ROWS = {1, 2, 3, 8, 33, 129, 257};

  // Of the largest of 32: half a unit of kernels/weight_only_gemm/digits.h.
  private static final double SPLIT = 1.07 * 0x1p-23;

  /** Makes the kernel under test. */
  interface Maker {
    MatmulKernel make(MatmulSpec spec, Quantized weights, float[] bias, int workers, Isa isa);
  }

  /** Makes the kernel over weights that a packer packs. */
  interface PackingMaker {
    MatmulKernel make(MatmulSpec spec, CodesGemm.Packer packer, float[] bias, int workers, Isa isa);
  }

  /** For kernels of full weights. */
  static Maker packing(PackingMaker maker) {
    return (spec, weights, bias, workers, isa) ->
        maker.make(spec, CodesGemm.packer(spec, weights, null), bias, workers, isa);
  }

  final TestRandom random = new TestRandom();
  private final ReferenceBackend reference = new ReferenceBackend();
  private final Arena arena = Arena.ofShared();
  private final Set<Isa> compiled;
  private final Maker maker;

  CodesGemmCheck(Set<Isa> compiled, Maker maker) {
    this.compiled = compiled;
    this.maker = maker;
  }

  @Override
  public void close() {
    arena.close();
  }

  Set<Isa> isas() {
    EnumSet<Isa> isas = Isa.allowed(CpuFeatures.host(), null);
    isas.retainAll(compiled);
    assertTrue(isas.contains(Isa.SCALAR));
    return isas;
  }

  Epilogue anyEpilogue() {
    return EPILOGUES.get(random.integer(0, EPILOGUES.size()));
  }

  /** The same with gates: of every activation, one after another. */
  void compareGates(CodeFormat format, ActivationScheme activations) {
    Activation[] all = Activation.values();
    int next = random.integer(0, all.length);
    for (int n : PanelMatmulCases.GATES) {
      Quantized weights = quantized(random.integer(1, 300), 2 * n, format);
      Activation activation = all[next++ % all.length];
      compare(weights, activations, Epilogue.gate(random.integer(0, 2) == 0, activation));
    }
  }

  /** Every instruction set against the reference, for many M; and against scalar code, by bits. */
  void compare(Quantized weights, ActivationScheme activations, Epilogue epilogue) {
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    float[] bias = epilogue.bias() ? random.normals(spec.weightRows(), 1) : null;
    MatmulReference judge = reference.matmul(spec, weights, bias);
    for (int m : ROWS) {
      MemorySegment values = arena.allocate(4L * m * spec.k());
      random.fill(values, 1);
      MemorySegment before = arena.allocate(4L * m * spec.n());
      random.fill(before, 1);
      MemorySegment expected = null;
      MemorySegment first = null;
      double[] bounds = null;
      for (Isa isa : isas()) {
        String where = isa + " " + spec + ", m=" + m + " " + random;
        try (GuardedMemory memory = new GuardedMemory();
            MatmulKernel kernel = maker.make(spec, weights, bias, 1, isa)) {
          ActivationBuffer x = codes(memory, kernel, spec, values, m);
          MemorySegment y = memory.floats((long) m * spec.n()).copyFrom(before);
          run(kernel, m, x, y);
          if (expected == null) {
            expected = arena.allocate(before.byteSize()).copyFrom(before);
            run(judge, m, x, expected);
            bounds =
                activations.isScaled()
                    ? bounds(spec, judge, weights, x, m, bias)
                    : floatBounds(spec, weights, floats(x, values), m, bias);
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

  /**
   * The exact integer of each step, whose weights and activations share scales, is rounded to a
   * float, and its product with the scale is added to those before it with one rounding; that is
   * multiplied once and added to the bias. Without groups there is a rounding before that
   * multiplication instead, and with activations in groups every step is multiplied.
   */
  private static double[] bounds(
      MatmulSpec spec,
      MatmulReference judge,
      Quantized weights,
      ActivationBuffer x,
      int m,
      float[] bias) {
    int k = weights.columns();
    int width = weights.format().groupWidth(k);
    int inputWidth = x.scheme().groupWidth(k);
    SumBounds bounds = new SumBounds(spec, m);
    for (int row = 0; row < m; row++) {
      for (int c = 0; c < weights.rows(); c++) {
        double exact = bias == null ? 0 : bias[c];
        double magnitude = 0;
        int steps = 0;
        for (int begin = 0, end; begin < k; begin = end, steps++) {
          int to = Math.min((begin / width + 1) * width, (begin / inputWidth + 1) * inputWidth);
          end = Math.min(k, to);
          long entry = (long) row * x.groups() + begin / inputWidth;
          double product =
              judge.accumulator(x, row, c, begin, end)
                  * (double) x.scales().getAtIndex(JAVA_FLOAT, entry)
                  * weights.scale(c, begin / width);
          exact += product;
          magnitude += Math.abs(product);
        }
        double bound = Tolerance.gamma(steps + 2) * magnitude + Tolerance.rounding(exact);
        if (magnitude != 0) {
          // Of a small product and a large bias, the sum is the signal.
          Tolerance.assertTelling(bound, magnitude + (bias == null ? 0 : Math.abs(bias[c])), judge);
        }
        bounds.set(row, c, exact, bound);
      }
    }
    return bounds.results(PanelMatmulCases.ACTIVATION_ERROR);
  }

  /**
   * A fused multiply-add for each weight of a group, one for each group and the addition of the
   * bias, each rounded. 4-bit weights and f32 activations: fewer, but activations are off by half a
   * unit, 2^-22.9 of the largest of 32. bfloat16 activations may be multiplied by an instruction
   * that takes sums below the smallest normal number to be 0.
   */
  private static double[] floatBounds(
      MatmulSpec spec, Quantized weights, MemorySegment x, int m, float[] bias) {
    int k = weights.columns();
    int width = weights.format().groupWidth(k);
    boolean bf16 = spec.activations() == ActivationScheme.BF16;
    boolean int4 = weights.format().code() == Code.INT4 && !bf16;
    byte[] integers = new byte[k];
    SumBounds bounds = new SumBounds(spec, m);
    for (int c = 0; c < weights.rows(); c++) {
      weights.readIntegers(c, integers);
      for (int row = 0; row < m; row++) {
        double exact = bias == null ? 0 : bias[c];
        double magnitude = Math.abs(exact);
        double flushed = 0;
        double splitting = 0;
        for (int i = 0; i < k; i++) {
          double weight = integers[i] * (double) weights.scale(c, i / width);
          double product = weight * x.getAtIndex(JAVA_FLOAT, (long) row * k + i);
          exact += product;
          magnitude += Math.abs(product);
          flushed += bf16 ? weights.scale(c, i / width) * Float.MIN_NORMAL : 0;
          splitting += int4 ? Math.abs(weight) * largest(x, row, k, i) * SPLIT : 0;
        }
        int roundings = int4 ? Math.ceilDiv(k, 32) + 3 : width + weights.format().groups(k) + 1;
        double bound = Tolerance.dot(roundings, magnitude) + splitting + flushed;
        if (magnitude != 0) {
          Tolerance.assertTelling(bound, magnitude, "row " + row + " column " + c);
        }
        bounds.set(row, c, exact, bound);
      }
    }
    return bounds.results(PanelMatmulCases.ACTIVATION_ERROR);
  }

  /** Rows as the kernel has them, in f32. */
  private MemorySegment floats(ActivationBuffer x, MemorySegment values) {
    if (x.scheme() == ActivationScheme.FLOAT) {
      return values;
    }
    MemorySegment rounded = arena.allocate(4L * x.rows() * x.columns());
    for (int row = 0; row < x.rows(); row++) {
      for (int i = 0; i < x.columns(); i++) {
        float value = DType.BF16.readFloat(x.data(), (long) row * x.stride() + i);
        rounded.setAtIndex(JAVA_FLOAT, (long) row * x.columns() + i, value);
      }
    }
    return rounded;
  }

  /** The largest magnitude of the 32 values of a row that value i is one of. */
  private static double largest(MemorySegment x, int row, int k, int i) {
    double largest = 0;
    for (int j = i / 32 * 32; j < Math.min(k, i / 32 * 32 + 32); j++) {
      largest = Math.max(largest, Math.abs(x.getAtIndex(JAVA_FLOAT, (long) row * k + j)));
    }
    return largest;
  }

  /** Rows of many against the same rows alone, one of which is NaN. */
  void aRowDependsOnItselfAlone(Quantized weights, ActivationScheme activations) {
    aRowDependsOnItselfAlone(weights, MatmulSpec.of(weights, activations, Epilogue.NONE));
    Epilogue gate = Epilogue.gate(false, Activation.SILU);
    aRowDependsOnItselfAlone(weights, MatmulSpec.of(weights, activations, gate));
  }

  /** The same with an epilogue that the kernel has. */
  void aRowDependsOnItselfAlone(Quantized weights, MatmulSpec spec) {
    int k = spec.k();
    int n = spec.n();
    int m = 300;
    MemorySegment values = arena.allocate(4L * m * k);
    random.fill(values, 1);
    int nan = 131;
    values.setAtIndex(JAVA_FLOAT, (long) nan * k + 5, Float.NaN);
    for (Isa isa : isas()) {
      try (MatmulKernel kernel = maker.make(spec, weights, null, 1, isa)) {
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

  private ActivationBuffer codes(
      Arena arena, MatmulKernel kernel, MatmulSpec spec, MemorySegment values, int m) {
    if (spec.activations() == ActivationScheme.FLOAT) {
      MemorySegment floats = arena.allocate(values.byteSize(), 64).copyFrom(values);
      return ActivationBuffer.floats(floats, m, spec.k());
    }
    QuantizeSpec quantize =
        new QuantizeSpec(
            spec.k(),
            spec.activations(),
            kernel.signedCodes(),
            kernel.sumStep(),
            spec.columnOrder());
    ActivationBuffer x =
        ActivationBuffer.allocate(
            (bytes, alignment) -> arena.allocate(bytes), quantize, m, kernel.codeColumns());
    reference.quantize(quantize).run(values, x, 0, m);
    return x;
  }

  /** A few tiles at a time, as it comes. */
  private void run(MatmulKernel kernel, int m, ActivationBuffer x, MemorySegment y) {
    int tiles = kernel.tiles(m);
    for (int from = 0, to; from < tiles; from = to) {
      to = Math.min(tiles, from + random.integer(1, 10));
      kernel.run(0, from, to, m, x, y);
    }
  }

  /** Weights with random scales, and with random zero points if the format has them. */
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

  Quantized quantized(int k, int n, CodeFormat format) {
    Code code = format.code();
    return quantized(
        k,
        n,
        format,
        code == Code.BINARY
            ? () -> random.integer(0, 2) * 2 - 1
            : () -> random.integer(code.min(), code.max() + 1));
  }

  /**
   * With scales that f16 holds, {@code entries} of them in panels, and with one that it does not.
   */
  void packsScalesInF16WhereItHoldsThem(CodeFormat format, int entries) {
    Quantized any = quantized(96, 32, format);
    float[] scales = any.scales();
    for (int i = 0; i < scales.length; i++) {
      scales[i] = Float.float16ToFloat(Float.floatToFloat16(scales[i]));
    }
    scales[3] = Float.float16ToFloat((short) 1); // the smallest of its subnormals
    Quantized half = new Quantized("w", 32, 96, format, any.codes(), scales, null);
    compare(half, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    scales[17] = Math.nextUp(scales[17]);
    Quantized almost = new Quantized("w", 32, 96, format, any.codes(), scales, null);
    scales[17] = 70_000; // f16 ends at 65504
    Quantized large = new Quantized("w", 32, 96, format, any.codes(), scales, null);
    MatmulSpec spec = MatmulSpec.of(any, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    try (MatmulKernel small = maker.make(spec, half, null, 1, Isa.SCALAR);
        MatmulKernel more = maker.make(spec, almost, null, 1, Isa.SCALAR);
        MatmulKernel most = maker.make(spec, large, null, 1, Isa.SCALAR)) {
      long codes = 96L * 32 * format.bits() / 8;
      assertEquals(codes + 2 * entries, small.bytes());
      assertEquals(codes + 4 * entries, more.bytes());
      assertEquals(more.bytes(), most.bytes());
    }
  }
}
