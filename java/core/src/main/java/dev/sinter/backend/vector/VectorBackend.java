package dev.sinter.backend.vector;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Backend;
import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.NormThenQuantize;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import java.util.Set;

/** Kernels on the Vector API, of the width the JVM prefers or of a forced one. Thread-safe. */
public final class VectorBackend implements Backend {
  private static final Set<Integer> WIDTHS = Set.of(0, 128, 256, 512);

  private final int workers;
  private final int bits;
  private final Support support;
  private MatmulScratch scratch; // of all matmuls, made with the first

  /**
   * @param workers size of the worker pool that runs the kernels
   * @param bits vector width: 128, 256 or 512, or 0 for the one this JVM prefers
   */
  public VectorBackend(int workers, int bits) {
    if (workers < 1) {
      throw new IllegalArgumentException("workers must be at least 1, got " + workers);
    }
    if (!WIDTHS.contains(bits)) {
      throw new IllegalArgumentException("bits must be 0, 128, 256 or 512, got " + bits);
    }
    this.workers = workers;
    this.bits = bits;
    support = support(bits);
  }

  private static Support support(int bits) {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return Support.no(
          "module jdk.incubator.vector is missing: start the JVM with"
              + " --add-modules jdk.incubator.vector");
    }
    return VectorWidth.support(bits);
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(
        MatmulSpec.class,
        AttentionSpec.class,
        CachedAttentionSpec.class,
        NormSpec.class,
        QuantizeSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    if (!operations().contains(spec.getClass())) {
      return Support.no("there is no vector kernel for " + spec.operation());
    }
    if (!support.supported()) {
      return support;
    }
    return switch (spec) {
      case QuantizeSpec q
          when !q.scheme().isScaled()
              || q.signedCodes()
              || q.groups() > 1
              || q.columnOrder() != null ->
          Support.no("makes U8 and S8 codes of whole rows in order only");
      case NormSpec n when n.codes() != null -> supports(n.codes());
      case MatmulSpec m -> supports(m);
      default -> support;
    };
  }

  private static Support supports(MatmulSpec spec) {
    if (spec.sparsity() != null && spec.epilogue().gate()) {
      return Support.no("has no kernel with a gate for " + spec.sparsity());
    }
    boolean floats = spec.weights() == DType.F32 && spec.activations() == ActivationScheme.FLOAT;
    boolean codes =
        spec.codes() != null
            && (spec.int8() || !spec.isOf(Code.INT8))
            && spec.activations().isScaled()
            && spec.activations().groups(spec.k()) == 1;
    if (!floats && !codes && !isWeightOnly(spec)) {
      return Support.no(
          "there are vector kernels for F32, I8 and I4 weights with FLOAT activations, and for"
              + " codes, I8 ones without groups, with quantized ones, not for "
              + spec.weightType()
              + " with "
              + spec.activations());
    }
    if (spec.sparsity() != null && !floats && !(codes && spec.int8())) {
      return Support.no(
          "skips zeros of F32 weights with FLOAT and of I8 ones with quantized activations only, not"
              + " of "
              + spec.weightType()
              + " with "
              + spec.activations());
    }
    int most = spec.int8() ? MatmulInt8Vector.MAX_K : MatmulInt4Vector.MAX_K;
    if (codes && spec.k() > most) {
      return Support.no("int32 sums of " + spec.k() + " products may overflow, at most " + most);
    }
    return Support.yes();
  }

  private static boolean isWeightOnly(MatmulSpec spec) {
    return (spec.isOf(Code.INT4) || spec.isOf(Code.INT8))
        && spec.activations() == ActivationScheme.FLOAT;
  }

  /** The kernel works in memory of this backend, up to its {@link #close}. */
  @Override
  public MatmulKernel matmul(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    requireSupport();
    Support answer = supports(spec);
    if (!answer.supported()) {
      throw new IllegalArgumentException("vector cannot run " + spec + ": " + answer.reason());
    }
    int width = VectorWidth.bits(bits);
    spec.check(weights, bias);
    if (weights instanceof Sparse sparse) {
      return new MatmulSparseVector(spec, sparse, bias, width, scratch());
    }
    return switch (weights.full()) {
      case Dense dense -> new MatmulF32Vector(spec, dense, bias, width, scratch());
      case Quantized codes when isWeightOnly(spec) ->
          new MatmulWeightOnlyVector(spec, codes, bias, width, scratch());
      case Quantized codes when spec.int8() ->
          new MatmulInt8Vector(spec, codes, bias, width, scratch());
      case Quantized codes -> new MatmulInt4Vector(spec, codes, bias, width, scratch());
    };
  }

  @Override
  public double density(MatmulSpec spec, Sparse weights) {
    return MatmulSparseVector.density(spec, weights.mask(), VectorWidth.bits(bits));
  }

  /**
   * What is kept is gathered first, which takes about as long as to multiply it; and codes as
   * floats, where dense ones are multiplied as shorts. 256 bits, 1024x1024: with a fifth of the
   * weights f32 took 0.30 to 0.45 of the time of dense ones, int8 0.3 to 1.3.
   */
  @Override
  public double crossover(MatmulSpec spec) {
    return spec.codes() == null ? 0.4 : 0.2;
  }

  private synchronized MatmulScratch scratch() {
    if (scratch == null) {
      scratch = new MatmulScratch(workers);
    }
    return scratch;
  }

  @Override
  public AttentionKernel attention(AttentionSpec spec) {
    requireSupport();
    Exponential exponential = VectorWidth.kernel(ExponentialVector.class, Exponential.class, bits);
    return VectorWidth.kernel(
        AttentionVector.class, AttentionKernel.class, bits, spec, workers, exponential);
  }

  @Override
  public CachedAttentionKernel cachedAttention(CachedAttentionSpec spec) {
    requireSupport();
    Exponential exponential = VectorWidth.kernel(ExponentialVector.class, Exponential.class, bits);
    return VectorWidth.kernel(
        CachedAttentionVector.class, CachedAttentionKernel.class, bits, spec, workers, exponential);
  }

  @Override
  public NormKernel norm(NormSpec spec, float[] gamma, float[] beta) {
    requireSupport();
    Support answer = supports(spec);
    if (!answer.supported()) {
      throw new IllegalArgumentException("vector cannot run " + spec + ": " + answer.reason());
    }
    NormKernel norm =
        VectorWidth.kernel(NormVector.class, NormKernel.class, bits, spec, gamma, beta);
    return spec.codes() == null ? norm : new NormThenQuantize(norm, quantize(spec.codes()));
  }

  @Override
  public QuantizeKernel quantize(QuantizeSpec spec) {
    requireSupport();
    return VectorWidth.kernel(QuantizeRowsVector.class, QuantizeKernel.class, bits, spec);
  }

  private void requireSupport() {
    if (!support.supported()) {
      throw new IllegalArgumentException("the vector backend cannot run: " + support.reason());
    }
  }

  @Override
  public synchronized void close() {
    if (scratch != null) {
      scratch.close();
    }
  }
}
