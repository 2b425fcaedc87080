package dev.sinter.backend.cpu;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** What the integer matmuls of libsinter have in common: what they are called with. */
abstract class CodesGemm extends PanelMatmul {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVXVNNI, Isa.AVX512VNNI);

  private final int stride;
  private final KernelWeights weights;
  private final int groups; // of a row of activations
  private final int group; // values in one; 0: all
  private final long bytes;
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** How to pack the weights. */
  interface Packer {
    /**
     * @param inputGroup activations along K that share a scale; 0 for all of them
     * @param zeroPoints whether activations have zero points
     */
    KernelWeights pack(Arena arena, int inputGroup, boolean zeroPoints);
  }

  /**
   * Packs full weights.
   *
   * @param pool whose workers do it; null for the calling thread
   */
  static Packer packer(MatmulSpec spec, Quantized source, WorkerPool pool) {
    return (arena, group, sums) ->
        PackedCodes.pack(arena, source, shape(spec, source.format(), group, sums), pool);
  }

  /** Takes full weights that were packed before. */
  static Packer packer(MatmulSpec spec, PackedWeights packed) {
    return (_, group, sums) -> PackedCodes.of(packed, shape(spec, spec.codes(), group, sums));
  }

  /** Whether {@link #packer} takes these weights. */
  static boolean takes(MatmulSpec spec, PackedWeights packed) {
    boolean sums = spec.activations().isAsymmetric();
    return PackedCodes.fits(packed, shape(spec, spec.codes(), inputGroup(spec), sums));
  }

  private static PackedCodes.Shape shape(
      MatmulSpec spec, CodeFormat format, int inputGroup, boolean sums) {
    return new PackedCodes.Shape(format, spec.k(), PanelRows.of(spec), inputGroup, sums);
  }

  /** Activations along K that share a scale; 0 for all of them. */
  private static int inputGroup(MatmulSpec spec) {
    boolean one = spec.activations().groups(spec.k()) == 1;
    return one ? 0 : spec.activations().groupWidth(spec.k());
  }

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param operation a kernel that takes {@code sinter_gemm_args}, or what begins with them
   */
  CodesGemm(String operation, MatmulSpec spec, float[] bias, int workers, Isa isa, Packer packer) {
    super(spec, operation, isa);
    int lines = Math.ceilDiv(spec.k(), CACHE_LINE);
    stride = (lines | 1) * CACHE_LINE; // odd: rows lie in different sets of the L1 cache
    groups = spec.activations().groups(spec.k());
    group = inputGroup(spec);
    try {
      weights = packer.pack(arena, group, signedCodes());
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    cut(weights.strips());
    MemorySegment biases = biases(bias);
    bytes = weights.bytes() + biases.byteSize();
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(biases);
    }
  }

  private MemorySegment arguments(MemorySegment biases) {
    MemorySegment args = weights.arguments(arena);
    sinter_gemm_args.x_stride(args, stride);
    sinter_gemm_args.x_group(args, group);
    sinter_gemm_args.bias(args, biases);
    sinter_gemm_args.y_stride(args, spec.n());
    sinter_gemm_args.activation(args, activation());
    sinter_gemm_args.accumulate(args, accumulate());
    sinter_gemm_args.gate(args, gate());
    return args;
  }

  /** Calls the kernel of the instruction set and returns its status. */
  abstract int call(Isa isa, MemorySegment args);

  @Override
  public final int codeColumns() {
    return stride;
  }

  @Override
  public final boolean signedCodes() {
    return spec.activations().isAsymmetric();
  }

  @Override
  public final int sumStep() {
    return weights.step() == group ? 0 : weights.step();
  }

  @Override
  public final PackedWeights packed() {
    return weights.packed();
  }

  @Override
  public final long bytes() {
    return bytes;
  }

  @Override
  final int call(
      int worker,
      int panelBegin,
      int panelEnd,
      long row,
      int rows,
      ActivationBuffer x,
      MemorySegment y) {
    check(x);
    MemorySegment args = arguments[worker];
    sinter_gemm_args.m(args, rows);
    sinter_gemm_args.panel_begin(args, panelBegin);
    sinter_gemm_args.panel_end(args, panelEnd);
    point(args, sinter_gemm_args.x$offset(), x.data(), row * stride);
    point(args, sinter_gemm_args.x_scales$offset(), x.scales(), 4 * row * groups);
    MemorySegment sums = sumStep() == 0 ? x.sums() : x.stepSums();
    point(args, sinter_gemm_args.x_sums$offset(), sums, 4 * row * weights.steps());
    if (signedCodes()) {
      point(args, sinter_gemm_args.x_zero_points$offset(), x.zeroPoints(), 4 * row * groups);
    }
    point(args, sinter_gemm_args.y$offset(), y, 4 * row * spec.n());
    return call(isa, args);
  }

  private void check(ActivationBuffer x) {
    if (x.signedCodes() != signedCodes() || x.sumStep() != sumStep()) {
      throw new IllegalArgumentException(
          "codes "
              + (x.signedCodes() ? "signed" : "unsigned")
              + " and summed by "
              + x.sumStep()
              + ", this kernel needs them "
              + (signedCodes() ? "signed" : "unsigned")
              + " and summed by "
              + sumStep());
    }
  }
}
