package dev.sinter.backend.cpu;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_float_gemm_args;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Function;

/** What the matmuls of floating numbers have in common: what they are called with. */
abstract class FloatsGemm extends PanelMatmul {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final long bytes;
  private final PackedWeights packed; // null if they cannot be taken back
  private final int columns; // of a row of x, padding included
  private final long rowBytes;
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /**
   * Packs full weights.
   *
   * @param pool whose workers do it; null for the calling thread
   */
  static Function<Arena, KernelWeights> packer(MatmulSpec spec, Dense source, WorkerPool pool) {
    return arena -> FloatPanels.pack(arena, source, PanelRows.of(spec), pool);
  }

  /** Takes full weights that were packed before. */
  static Function<Arena, KernelWeights> packer(MatmulSpec spec, PackedWeights packed) {
    return _ -> FloatPanels.of(packed, spec.weights(), spec.k(), PanelRows.of(spec));
  }

  /** Whether {@link #packer} takes these weights. */
  static boolean takes(MatmulSpec spec, PackedWeights packed) {
    return FloatPanels.fits(packed, spec.weights(), spec.k(), PanelRows.of(spec));
  }

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param operation a kernel that takes {@code sinter_float_gemm_args}, or what begins with them
   */
  FloatsGemm(
      String operation,
      MatmulSpec spec,
      float[] bias,
      int workers,
      Isa isa,
      Function<Arena, KernelWeights> packer) {
    super(spec, operation, isa);
    columns = FloatPanels.columns(spec.weights(), spec.k());
    rowBytes = (long) spec.activations().bytes() * columns;
    KernelWeights weights;
    try {
      weights = packer.apply(arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    cut(weights.strips());
    MemorySegment biases = biases(bias);
    bytes = weights.bytes() + biases.byteSize();
    packed = weights.packed();
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(weights, biases);
    }
  }

  private MemorySegment arguments(KernelWeights weights, MemorySegment biases) {
    MemorySegment args = weights.arguments(arena);
    sinter_float_gemm_args.x_stride(args, columns);
    sinter_float_gemm_args.bias(args, biases);
    sinter_float_gemm_args.y_stride(args, spec.n());
    sinter_float_gemm_args.activation(args, activation());
    sinter_float_gemm_args.accumulate(args, accumulate());
    sinter_float_gemm_args.gate(args, gate());
    return args;
  }

  /** Calls the kernel of the instruction set and returns its status. */
  abstract int call(Isa isa, MemorySegment args);

  @Override
  public final int codeColumns() {
    return columns;
  }

  @Override
  public final PackedWeights packed() {
    return packed;
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
    MemorySegment args = arguments[worker];
    sinter_float_gemm_args.m(args, rows);
    sinter_float_gemm_args.panel_begin(args, panelBegin);
    sinter_float_gemm_args.panel_end(args, panelEnd);
    point(args, sinter_float_gemm_args.x$offset(), x.data(), rowBytes * row);
    point(args, sinter_float_gemm_args.y$offset(), y, 4 * row * spec.n());
    return call(isa, args);
  }
}
