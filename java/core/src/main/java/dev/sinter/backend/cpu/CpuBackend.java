package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_KV_MAX_GROUP;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_QUANTIZE_ROWS_MAX_K;

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
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeLibraries;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Function;

/** The kernels of libsinter, of the best instruction set the CPU and a cap allow. Thread-safe. */
public final class CpuBackend implements Backend {
  private final int workers;
  private final WorkerPool pool; // packs; null for the calling thread
  private final EnumSet<Isa> allowed;
  private final String unavailable; // null if the library runs here

  /**
   * Never fails for a missing library: {@link #supports} then says what is missing.
   *
   * @param workers size of the worker pool that runs the kernels
   * @param isaCap highest instruction set to use ({@code scalar}, {@code avx2}, {@code avxvnni},
   *     {@code avx512vnni}), or null for all the CPU has
   * @throws IllegalArgumentException for another cap, and for one that the CPU does not reach
   */
  public CpuBackend(int workers, String isaCap) {
    this(workers, null, isaCap);
  }

  /** The same for a pool whose workers pack weights, too. */
  public CpuBackend(WorkerPool pool, String isaCap) {
    this(pool.threads(), pool, isaCap);
  }

  private CpuBackend(int workers, WorkerPool pool, String isaCap) {
    if (workers < 1) {
      throw new IllegalArgumentException("workers must be at least 1, got " + workers);
    }
    this.workers = workers;
    this.pool = pool;
    allowed = Isa.allowed(CpuFeatures.host(), isaCap);
    unavailable =
        switch (NativeLibraries.sinter()) {
          case NativeLibraries.Loaded _ -> null;
          case NativeLibraries.Unavailable u -> u.reason();
        };
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public Set<Class<? extends OpSpec>> operations() {
    return Set.of(
        MatmulSpec.class,
        QuantizeSpec.class,
        AttentionSpec.class,
        CachedAttentionSpec.class,
        NormSpec.class);
  }

  @Override
  public Support supports(OpSpec spec) {
    if (unavailable != null) {
      return Support.no(unavailable);
    }
    return switch (spec) {
      case MatmulSpec m -> examine(m);
      case AttentionSpec _ -> Support.yes();
      case CachedAttentionSpec c when c.group() > SINTER_KV_MAX_GROUP() ->
          Support.no(c.group() + " heads share keys, at most " + SINTER_KV_MAX_GROUP());
      case CachedAttentionSpec _ -> Support.yes();
      case QuantizeSpec q -> examine(q);
      case NormSpec n when n.width() > SINTER_QUANTIZE_ROWS_MAX_K() ->
          Support.no("width " + n.width() + ", at most " + SINTER_QUANTIZE_ROWS_MAX_K());
      case NormSpec n -> n.codes() == null ? Support.yes() : examine(n.codes());
    };
  }

  private Support examine(MatmulSpec spec) {
    if (spec.sparsity() != null) {
      return SparseForm.examine(spec);
    }
    if (isF32(spec) || isWeightOnly(spec)) {
      return Support.yes();
    }
    if (isBf16Weights(spec)) {
      return spec.k() % 2 == 0
          ? Support.yes()
          : Support.no("multiplies F32 by pairs of BF16, and K is odd: " + spec.k());
    }
    if (isBf16(spec)) {
      return allowed.contains(Isa.AVX512) && CpuFeatures.host().has("amxbf16")
          ? Support.no("has no BF16 kernel for AMX, which this CPU has")
          : Support.yes();
    }
    if (!(spec.int8() || hasGroups(spec)) || !spec.activations().isScaled()) {
      return Support.no(
          "runs F32, BF16, I4 and I8 weights with FLOAT, BF16, I4 and I8 with BF16, and I4, TERNARY"
              + " and BINARY weights, or I8 without groups, with U8 or S8 activations, not "
              + spec.weightType()
              + " with "
              + spec.activations());
    }
    if (spec.activations().groups(spec.k()) > 1 && !groupsFit(spec)) {
      return Support.no(
          "activations in groups are for narrow weights whose groups divide them or the other way"
              + " round, not for "
              + spec.weightType());
    }
    int maxK =
        switch (spec.codes().code()) {
          case INT8 -> Int8GemmNative.MAX_K;
          case INT4 -> Int4GemmNative.MAX_K;
          case TERNARY -> TernaryGemmNative.MAX_K;
          case BINARY -> BinaryGemmNative.MAX_K;
        };
    return spec.k() <= maxK
        ? Support.yes()
        : Support.no("K " + spec.k() + " could overflow int32 sums, at most " + maxK);
  }

  @Override
  public double density(MatmulSpec spec, Sparse weights) {
    return SparseForm.of(spec).density(spec, weights);
  }

  /** Whether the weights are codes whose kernels know groups. */
  private static boolean hasGroups(MatmulSpec spec) {
    return spec.codes() != null && spec.codes().code() != Code.INT8;
  }

  private static Support examine(QuantizeSpec spec) {
    if (!spec.scheme().isScaled()) {
      return Support.yes();
    }
    if (spec.width() > SINTER_QUANTIZE_ROWS_MAX_K()) {
      return Support.no(
          "width "
              + spec.width()
              + " could overflow int32 sums, at most "
              + SINTER_QUANTIZE_ROWS_MAX_K());
    }
    return spec.sumStep() != 0 && spec.scheme().isAsymmetric() && !spec.signedCodes()
        ? Support.no("sums parts of rows of signed bytes only")
        : Support.yes();
  }

  private static boolean groupsFit(MatmulSpec spec) {
    int x = spec.activations().groupWidth(spec.k());
    int w = spec.codes().groupWidth(spec.k());
    return hasGroups(spec) && (w == spec.k() || x % w == 0 || w % x == 0);
  }

  private static boolean isF32(MatmulSpec spec) {
    return spec.weights() == DType.F32 && spec.activations() == ActivationScheme.FLOAT;
  }

  private static boolean isBf16Weights(MatmulSpec spec) {
    return spec.weights() == DType.BF16 && spec.activations() == ActivationScheme.FLOAT;
  }

  private static boolean isBf16(MatmulSpec spec) {
    return spec.weights() == DType.BF16 && spec.activations() == ActivationScheme.BF16;
  }

  private static boolean isWeightOnly(MatmulSpec spec) {
    return (spec.isOf(Code.INT4) || spec.isOf(Code.INT8)) && !spec.activations().isScaled();
  }

  @Override
  public MatmulKernel matmul(MatmulSpec spec, CompressedTensor weights, float[] bias) {
    require(spec);
    spec.check(weights, bias);
    if (spec.sparsity() != null) {
      return SparseForm.of(spec).kernel(spec, weights.full(), bias, workers, allowed);
    }
    return spec.codes() == null
        ? matmul(spec, FloatsGemm.packer(spec, (Dense) weights, pool), bias)
        : matmul(spec, CodesGemm.packer(spec, (Quantized) weights, pool), bias);
  }

  private MatmulKernel matmul(
      MatmulSpec spec, Function<Arena, KernelWeights> packer, float[] bias) {
    if (isBf16(spec)) {
      Isa isa = Isa.best(allowed, Bf16GemmNative.COMPILED);
      return new Bf16GemmNative(spec, packer, bias, workers, isa);
    }
    Isa isa = Isa.best(allowed, FloatsGemm.COMPILED);
    return isF32(spec)
        ? new F32GemmNative(spec, packer, bias, workers, isa)
        : new Bf16WeightsGemmNative(spec, packer, bias, workers, isa);
  }

  private MatmulKernel matmul(MatmulSpec spec, CodesGemm.Packer packer, float[] bias) {
    if (isWeightOnly(spec) && spec.activations() == ActivationScheme.BF16) {
      Isa isa = Isa.best(allowed, WeightOnlyBf16GemmNative.COMPILED);
      return new WeightOnlyBf16GemmNative(spec, packer, bias, workers, isa);
    }
    if (isWeightOnly(spec)) {
      Isa isa = Isa.best(allowed, WeightOnlyGemmNative.COMPILED);
      return new WeightOnlyGemmNative(spec, packer, bias, workers, isa);
    }
    Isa isa = Isa.best(allowed, CodesGemm.COMPILED);
    return switch (spec.codes().code()) {
      case INT8 -> new Int8GemmNative(spec, packer, bias, workers, isa);
      case INT4 -> new Int4GemmNative(spec, packer, bias, workers, isa);
      case TERNARY -> new TernaryGemmNative(spec, packer, bias, workers, isa);
      case BINARY -> new BinaryGemmNative(spec, packer, bias, workers, isa);
    };
  }

  @Override
  public boolean takes(MatmulSpec spec, PackedWeights weights) {
    return spec.sparsity() == null
        && (spec.codes() == null
            ? FloatsGemm.takes(spec, weights)
            : CodesGemm.takes(spec, weights));
  }

  @Override
  public MatmulKernel packedMatmul(MatmulSpec spec, PackedWeights weights, float[] bias) {
    require(spec);
    if (!takes(spec, weights)) {
      throw new IllegalArgumentException(
          weights.layout()
              + " of "
              + weights.data().byteSize()
              + " bytes is not how the kernel for "
              + spec
              + " has its weights");
    }
    spec.check(bias);
    return spec.codes() == null
        ? matmul(spec, FloatsGemm.packer(spec, weights), bias)
        : matmul(spec, CodesGemm.packer(spec, weights), bias);
  }

  @Override
  public AttentionKernel attention(AttentionSpec spec) {
    require(spec);
    return new AttentionNative(spec, workers, Isa.best(allowed, AttentionNative.COMPILED));
  }

  @Override
  public CachedAttentionKernel cachedAttention(CachedAttentionSpec spec) {
    require(spec);
    Isa isa = Isa.best(allowed, CachedAttentionNative.COMPILED);
    return new CachedAttentionNative(spec, workers, isa);
  }

  @Override
  public NormKernel norm(NormSpec spec, float[] gamma, float[] beta) {
    require(spec);
    Isa isa = Isa.best(allowed, NormRowsNative.COMPILED);
    if (spec.codes() == null || spec.codes().scheme().isScaled()) {
      return new NormRowsNative(spec, gamma, beta, isa);
    }
    NormKernel norm = new NormRowsNative(spec.toFloats(), gamma, beta, isa);
    return new NormThenQuantize(norm, quantize(spec.codes()));
  }

  @Override
  public QuantizeKernel quantize(QuantizeSpec spec) {
    require(spec);
    return spec.scheme() == ActivationScheme.BF16
        ? new RoundBf16Native(spec, Isa.best(allowed, RoundBf16Native.COMPILED))
        : new QuantizeRowsNative(spec, Isa.best(allowed, QuantizeRowsNative.COMPILED));
  }

  private void require(OpSpec spec) {
    Support support = supports(spec);
    if (!support.supported()) {
      throw new IllegalArgumentException("cpu: " + support.reason());
    }
  }
}
