package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Matmul in float64 with one rounding to f32. Codes times codes are summed exactly in 64-bit
 * integers; see {@link #accumulator}. Sparse weights are multiplied in full. Thread-safe.
 */
public final class MatmulReference implements MatmulKernel {
  private static final int TILE_ROWS = 4;

  private final MatmulSpec spec;
  private final long weightBytes;
  private final float[] bias;
  // Exactly one of the two is set: floating weights, or codes less their zero points, by row.
  private final float[][] values;
  private final byte[][] codes;
  private final float[][] scales; // of the groups of each row of codes
  private final int groupWidth;

  MatmulReference(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    spec.check(weights, bias);
    this.spec = spec;
    this.weightBytes = weights.bytes();
    this.bias = bias == null ? null : bias.clone();
    int rows = spec.weightRows();
    switch (weights.full()) {
      case Dense dense -> {
        values = new float[rows][spec.k()];
        codes = null;
        scales = null;
        groupWidth = spec.k();
        for (int n = 0; n < rows; n++) {
          dense.decodeRow(n, values[n]);
        }
      }
      case Quantized quantized -> {
        values = null;
        codes = new byte[rows][spec.k()];
        scales = new float[rows][spec.codes().groups(spec.k())];
        groupWidth = spec.codes().groupWidth(spec.k());
        for (int n = 0; n < rows; n++) {
          quantized.readIntegers(n, codes[n]);
          for (int g = 0; g < scales[n].length; g++) {
            scales[n][g] = quantized.scale(n, g);
          }
        }
      }
    }
  }

  @Override
  public String implementation() {
    return "matmul_reference";
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public int codeColumns() {
    return spec.k();
  }

  @Override
  public long bytes() {
    return weightBytes + (bias == null ? 0 : 4L * bias.length);
  }

  @Override
  public int tiles(int m) {
    return Math.ceilDiv(m, TILE_ROWS);
  }

  @Override
  public void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkCall(m, x, x.stride(), y);
    int end = Math.min(m, (tile + 1) * TILE_ROWS);
    for (int row = tile * TILE_ROWS; row < end; row++) {
      for (int n = 0; n < spec.n(); n++) {
        long index = (long) row * spec.n() + n;
        double result = activate(sum(x, row, n));
        if (spec.epilogue().gate()) {
          result *= sum(x, row, spec.n() + n);
        }
        if (spec.epilogue().residual()) {
          result += y.getAtIndex(JAVA_FLOAT, index);
        }
        y.setAtIndex(JAVA_FLOAT, index, (float) result);
      }
    }
  }

  /** The accumulator of weights without groups. */
  public long accumulator(ActivationBuffer x, int row, int n) {
    if (groupWidth != spec.k()) {
      throw new IllegalArgumentException("every group has an accumulator in " + spec);
    }
    return accumulator(x, row, n, 0);
  }

  /**
   * The integer accumulator of a group, {@code sum over its k of (q[row][k] - z[row]) * w[n][k]}
   * with w less its zero point, which every backend must reach exactly.
   *
   * @throws IllegalArgumentException unless activations and weights are both codes
   */
  public long accumulator(ActivationBuffer x, int row, int n, int group) {
    int begin = group * groupWidth;
    return accumulator(x, row, n, begin, Math.min(spec.k(), begin + groupWidth));
  }

  /** The same for K from {@code begin} to {@code end}. */
  public long accumulator(ActivationBuffer x, int row, int n, int begin, int end) {
    Objects.checkIndex(row, x.rows());
    Objects.checkFromToIndex(begin, end, spec.k());
    if (codes == null || x.scheme() != spec.activations() || x.columns() != spec.k()) {
      throw new IllegalArgumentException("no integer accumulator in " + spec);
    }
    long sum = 0;
    for (int k = begin; k < end; k++) {
      sum += (long) centered(x, row, k) * codes[n][k];
    }
    return sum;
  }

  private double sum(ActivationBuffer x, int row, int n) {
    return product(x, row, n) + (bias == null ? 0 : bias[n]);
  }

  private double product(ActivationBuffer x, int row, int n) {
    double sum = 0;
    if (codes != null && x.scheme().isScaled()) {
      int inputGroup = x.scheme().groupWidth(spec.k());
      for (int begin = 0, end; begin < spec.k(); begin = end) { // while both scales stay the same
        end = Math.min(spec.k(), Math.min(next(begin, groupWidth), next(begin, inputGroup)));
        double scale = x.scales().getAtIndex(JAVA_FLOAT, group(x, row, begin));
        sum += accumulator(x, row, n, begin, end) * scale * scales[n][begin / groupWidth];
      }
      return sum;
    }
    for (int k = 0; k < spec.k(); k++) {
      double weight =
          codes == null ? values[n][k] : codes[n][k] * (double) scales[n][k / groupWidth];
      sum += input(x, row, k) * weight;
    }
    return sum;
  }

  /** Where the group behind that of {@code k} begins. */
  private static int next(int k, int group) {
    return (k / group + 1) * group;
  }

  /** The index of the scale of an activation. */
  private static long group(ActivationBuffer x, int row, int k) {
    return (long) row * x.groups() + k / x.scheme().groupWidth(x.columns());
  }

  private static double input(ActivationBuffer x, int row, int k) {
    long index = (long) row * x.stride() + k;
    return switch (x.scheme()) {
      case FLOAT -> DType.F32.readFloat(x.data(), index);
      case BF16 -> DType.BF16.readFloat(x.data(), index);
      default -> centered(x, row, k) * (double) x.scales().getAtIndex(JAVA_FLOAT, group(x, row, k));
    };
  }

  /** {@code q - z}. */
  private static int centered(ActivationBuffer x, int row, int k) {
    byte code = x.data().get(JAVA_BYTE, (long) row * x.stride() + k);
    boolean signed = !x.scheme().isAsymmetric() || x.signedCodes();
    return (signed ? code : Byte.toUnsignedInt(code))
        - x.zeroPoints().getAtIndex(JAVA_INT, group(x, row, k));
  }

  private double activate(double x) {
    return switch (spec.epilogue().activation()) {
      case NONE -> x;
      case GELU_ERF -> x * Erfc.erfc(-x / Math.sqrt(2)) / 2;
      case GELU_TANH ->
          x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))) / 2;
      case SILU -> x / (1 + Math.exp(-x));
    };
  }
}
