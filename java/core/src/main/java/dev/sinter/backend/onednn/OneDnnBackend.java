package dev.sinter.backend.onednn;

import dev.sinter.backend.Activation;
import dev.sinter.backend.Backend;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.Support;
import dev.sinter.runtime.NativeException;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Sparse;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Matmuls on oneDNN: f32, dense and CSR, bf16, and u8 activations with s8 weights. Single-threaded
 * primitives inside the workers of the pool; oneDNN's own threads are never used. Thread-safe.
 */
public final class OneDnnBackend implements Backend {
  private final String unavailable; // null if the library runs here
  private final OneDnn dnn;
  private final OneDnnWorkers workers;
  private final Map<OpSpec, Support> answers = new ConcurrentHashMap<>();

  /**
   * Never fails for a missing library: {@link #supports} then says what is missing.
   *
   * @param isaCap highest instruction set to use, or null
   */
  public OneDnnBackend(WorkerPool pool, String isaCap) {
    OneDnn opened = null;
    String reason = null;
    try {
      opened = OneDnn.open(isaCap);
    } catch (OneDnn.Unavailable e) {
      reason = e.getMessage();
    }
    unavailable = reason;
    dnn = opened;
    workers = opened == null ? null : new OneDnnWorkers(pool, opened);
  }

  @Override
  public String name() {
    return "onednn";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(MatmulSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    if (unavailable != null) {
      return Support.no(unavailable);
    }
    return spec instanceof MatmulSpec m
        ? answers.computeIfAbsent(m, s -> examine(m))
        : Support.no("has no " + spec.operation() + " kernel");
  }

  private Support examine(MatmulSpec spec) {
    if (spec.sparsity() != null) {
      return examineSparse(spec);
    }
    MatmulShape.Type type = OneDnnMatmul.type(spec);
    if (type == null) {
      return Support.no(
          "runs F32 weights with FLOAT activations, BF16 with BF16 and I8 with U8_PER_TOKEN, not "
              + spec.weightType()
              + " with "
              + spec.activations());
    }
    if (spec.epilogue().gate()) {
      return Support.no("has no gate");
    }
    Activation activation = spec.epilogue().activation();
    if (activation != Activation.NONE && activation != Activation.GELU_ERF) {
      return Support.no("runs GELU_ERF or no activation, not " + activation);
    }
    if (type == MatmulShape.Type.U8S8 && spec.k() > ZeroPointColumns.MAX_K) {
      return Support.no(
          "K " + spec.k() + " could overflow int32 sums, at most " + ZeroPointColumns.MAX_K);
    }
    if (type == MatmulShape.Type.U8S8 && !OneDnn.effectiveIsa().endsWith("vnni")) {
      return Support.no(
          "without VNNI its int8 code saturates 16-bit sums (instruction set in use: "
              + OneDnn.effectiveIsa()
              + ")");
    }
    for (int m : RowBuckets.SIZES) {
      MatmulShape shape =
          new MatmulShape(
              type,
              m,
              spec.k(),
              new ColumnTiles(spec.n()).width(0),
              spec.k(),
              spec.n(),
              spec.epilogue());
      try {
        String implementation = MatmulPrimitive.describe(dnn, shape);
        if (OneDnnWorkers.isReference(implementation)) {
          return Support.no("would fall back to " + implementation + " for M=" + m);
        }
      } catch (NativeException e) {
        return Support.no(
            type + " on " + OneDnn.effectiveIsa() + ", M=" + m + ": " + e.getMessage());
      }
    }
    return Support.yes();
  }

  private Support examineSparse(MatmulSpec spec) {
    if (OneDnnMatmul.type(spec) != MatmulShape.Type.F32) {
      return Support.no(
          "has sparse code for F32 weights with FLOAT activations only, as CSR, not for "
              + spec.weightType()
              + " with "
              + spec.activations());
    }
    if (spec.epilogue().gate() || spec.epilogue().activation() != Activation.NONE) {
      return Support.no("runs CSR without gate and activation only");
    }
    for (int m : OneDnnCsrMatmul.PIECES) {
      try {
        int n = new ColumnTiles(spec.n()).width(0);
        String implementation = CsrPrimitive.describe(dnn, n, spec.k(), m);
        if (OneDnnWorkers.isReference(implementation)) {
          return Support.no("would fall back to " + implementation + " for CSR, M=" + m);
        }
      } catch (NativeException e) {
        return Support.no("CSR on " + OneDnn.effectiveIsa() + ": " + e.getMessage());
      }
    }
    return Support.yes();
  }

  /** From about 90% zeros on CSR was faster than dense weights. */
  @Override
  public double crossover(MatmulSpec spec) {
    return 0.1;
  }

  /** CSR has what is not zero, whatever the structure. */
  @Override
  public double density(MatmulSpec spec, Sparse weights) {
    return (double) weights.nonZeros() / ((double) weights.rows() * weights.columns());
  }

  @Override
  public MatmulKernel matmul(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    Support support = supports(spec);
    if (!support.supported()) {
      throw new IllegalArgumentException("onednn: " + support.reason());
    }
    spec.check(weights, bias);
    return weights instanceof Sparse sparse
        ? new OneDnnCsrMatmul(workers, spec, sparse, bias)
        : new OneDnnMatmul(workers, spec, weights, bias);
  }

  /** Used by tests of this package. */
  OneDnnWorkers workers() {
    return workers;
  }

  @Override
  public void close() {
    if (workers != null) {
      workers.close();
      dnn.close();
    }
  }
}
