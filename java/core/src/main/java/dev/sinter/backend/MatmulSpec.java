package dev.sinter.backend;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.ColumnOrder;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * {@code Y[M, N] = epilogue(X[M, K] W[N, K]^T)} with f32 results, for any M; with a gate W has 2 N
 * rows.
 *
 * @param n columns of Y
 * @param weights element type of floating W; null if W is made of codes
 * @param codes how the codes of W are stored; null for floating weights
 * @param columnOrder the order of their columns, in which X must come, as {@link QuantizeSpec} puts
 *     it; null for that of W
 * @param sparsity which weights may be absent together; null for a W that is full, or taken so.
 *     Whether a NaN or an infinity in X passes through an absent weight is up to the kernel
 */
public record MatmulSpec(
    int k,
    int n,
    DType weights,
    CodeFormat codes,
    ColumnOrder columnOrder,
    Sparsity sparsity,
    ActivationScheme activations,
    Epilogue epilogue)
    implements OpSpec {
  public MatmulSpec {
    if (k < 1 || n < 1) {
      throw new IllegalArgumentException("k and n must be at least 1, got " + k + "x" + n);
    }
    Objects.requireNonNull(activations, "activations");
    Objects.requireNonNull(epilogue, "epilogue");
    if ((weights == null) == (codes == null)) {
      throw new IllegalArgumentException(
          "weights are floating or codes, got " + weights + " and " + codes);
    }
    if (weights != null && !weights.isFloating()) {
      throw new IllegalArgumentException(weights + " weights are not floating");
    }
    if (columnOrder != null) {
      columnOrder.check(k);
      if (codes == null || !activations.isScaled()) {
        throw new IllegalArgumentException(
            "activations are put in the order of the weights' columns while they are quantized: "
                + activations
                + " are not");
      }
    }
  }

  /** A full W with its columns in order. */
  public MatmulSpec(
      int k,
      int n,
      DType weights,
      CodeFormat codes,
      ActivationScheme activations,
      Epilogue epilogue) {
    this(k, n, weights, codes, null, null, activations, epilogue);
  }

  /**
   * The spec of a layer with these weights.
   *
   * @throws IllegalArgumentException if the epilogue has a gate and the number of rows is odd
   */
  public static MatmulSpec of(CompressedTensor w, ActivationScheme activations, Epilogue epilogue) {
    if (epilogue.gate() && w.rows() % 2 != 0) {
      throw new IllegalArgumentException(
          w.name()
              + ": a gate needs two matrices of N rows each, got "
              + w.rows()
              + " rows in all");
    }
    int n = epilogue.gate() ? w.rows() / 2 : w.rows();
    return switch (w) {
      case Dense d -> new MatmulSpec(d.columns(), n, d.dtype(), null, activations, epilogue);
      case Quantized q ->
          new MatmulSpec(
              q.columns(), n, null, q.format(), q.columnOrder(), null, activations, epilogue);
      case Sparse s -> of(s.full(), activations, epilogue).with(s.sparsity());
    };
  }

  /** The same for weights that are taken as full, zeros and all. */
  public MatmulSpec dense() {
    return with(null);
  }

  /** Rows of W, and values of the bias: N, with a gate 2 N. */
  public int weightRows() {
    return epilogue.gate() ? Math.multiplyExact(2, n) : n;
  }

  /** The same for weights whose zeros are taken to be in another structure; null: for none. */
  public MatmulSpec with(Sparsity other) {
    return new MatmulSpec(k, n, weights, codes, columnOrder, other, activations, epilogue);
  }

  /**
   * @param bias one value for each row of W; null exactly if the epilogue has no bias
   * @throws IllegalArgumentException if weights or bias are not what this spec says
   */
  public void check(CompressedTensor w, float[] bias) {
    if (!equals(of(w, activations, epilogue))) {
      throw new IllegalArgumentException(
          w.name() + " of " + w.columns() + "x" + w.rows() + " is not what the spec says: " + this);
    }
    check(bias);
  }

  /**
   * @param bias one value for each row of W; null exactly if the epilogue has no bias
   * @throws IllegalArgumentException if it is not
   */
  public void check(float[] bias) {
    if (epilogue.bias() != (bias != null) || (bias != null && bias.length != weightRows())) {
      throw new IllegalArgumentException(
          this
              + ": bias must have a value for each of "
              + weightRows()
              + " rows exactly if the epilogue has one, has "
              + (bias == null ? "none" : bias.length));
    }
  }

  /**
   * What every kernel asks of a call before it touches memory.
   *
   * @param stride elements from row to row that the kernel reads x with
   * @throws IllegalArgumentException if x or y is not what {@code m} rows need
   */
  public void checkCall(int m, ActivationBuffer x, int stride, MemorySegment y) {
    if (x.scheme() != activations
        || x.columns() != k
        || x.stride() != stride
        || !Objects.equals(x.columnOrder(), columnOrder)
        || m < 1
        || m > x.rows()
        || x.data().byteSize() < activations.bytes() * ((m - 1L) * stride + k)
        || y.byteSize() < 4L * m * n) {
      throw refusal(m, x, stride, y);
    }
  }

  /**
   * The same for kernels that hand addresses to native code, which can check nothing.
   *
   * @throws IllegalArgumentException likewise, and for memory on the heap
   * @throws IllegalStateException if x or y is closed
   */
  public void checkNativeCall(int m, ActivationBuffer x, int stride, MemorySegment y) {
    checkCall(m, x, stride, y);
    if (!x.data().isNative() || !y.isNative()) {
      throw new IllegalArgumentException("x and y must be native memory, not on the heap");
    }
    if (!x.data().scope().isAlive() || !y.scope().isAlive()) {
      throw new IllegalStateException("x or y is closed");
    }
  }

  private IllegalArgumentException refusal(int m, ActivationBuffer x, int stride, MemorySegment y) {
    return new IllegalArgumentException(
        "input of "
            + x.rows()
            + " rows of "
            + x.columns()
            + " "
            + x.scheme()
            + ", "
            + x.stride()
            + " apart ("
            + x.data().byteSize()
            + " bytes"
            + (x.columnOrder() == null ? "" : ", in " + x.columnOrder())
            + "), output of "
            + y.byteSize()
            + " bytes, asked for "
            + m
            + " rows of "
            + this
            + ", "
            + stride
            + " apart");
  }

  /** Whether W is int8 codes whose rows have one scale each, or share one. */
  public boolean int8() {
    return codes != null && codes.code() == Code.INT8 && codes.granularity() != Granularity.GROUP;
  }

  /** Whether W is int4 codes, in groups or not. */
  public boolean int4() {
    return isOf(Code.INT4);
  }

  /** Whether W is codes of this kind, in groups or not. */
  public boolean isOf(Code code) {
    return codes != null && codes.code() == code;
  }

  /** The type of W in words, as {@code F32}, {@code I4 in groups of 128} or {@code F32 2:4}. */
  public String weightType() {
    String type = codes == null ? weights.toString() : codes.toString();
    return sparsity == null ? type : type + " " + sparsity;
  }

  @Override
  public String operation() {
    return "matmul";
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder("matmul ").append(k).append('x').append(n);
    s.append(" weights ").append(weightType());
    if (columnOrder != null) {
      s.append(", ").append(columnOrder);
    }
    s.append(", activations ").append(activations);
    if (epilogue.bias()) {
      s.append(", bias");
    }
    if (epilogue.activation() != Activation.NONE) {
      s.append(", ").append(epilogue.activation());
    }
    if (epilogue.gate()) {
      s.append(", gate");
    }
    if (epilogue.residual()) {
      s.append(", residual");
    }
    return s.toString();
  }
}
