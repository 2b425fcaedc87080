package dev.sinter.backend.cpu;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_weight_only_gemm_args;
import dev.sinter.layout.PackedWeights;
import java.lang.foreign.MemorySegment;

/** What the matmuls of activations that are no codes with 4-bit or 8-bit weights share. */
abstract class WeightOnlyGemm extends PanelMatmul {
  private final PackedCodes weights;
  private final long bytes;
  private final long rowBytes; // of x
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  WeightOnlyGemm(
      MatmulSpec spec,
      String operation,
      CodesGemm.Packer packer,
      float[] bias,
      int workers,
      Isa isa) {
    super(spec, operation, isa);
    rowBytes = (long) spec.activations().bytes() * spec.k();
    try {
      weights = (PackedCodes) packer.pack(arena, 0, false);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    MemorySegment biases = biases(bias);
    bytes = weights.bytes() + biases.byteSize();
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(biases);
    }
  }

  private MemorySegment arguments(MemorySegment biases) {
    MemorySegment args = sinter_weight_only_gemm_args.allocate(arena);
    weights.describeWeightOnly(args);
    sinter_weight_only_gemm_args.x_stride(args, spec.k());
    sinter_weight_only_gemm_args.bias(args, biases);
    sinter_weight_only_gemm_args.y_stride(args, spec.n());
    sinter_weight_only_gemm_args.activation(args, activation());
    sinter_weight_only_gemm_args.accumulate(args, accumulate());
    sinter_weight_only_gemm_args.gate(args, gate());
    return args;
  }

  @Override
  public int codeColumns() {
    return spec.k();
  }

  @Override
  public PackedWeights packed() {
    return weights.packed();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  abstract int call(MemorySegment args);

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
    sinter_weight_only_gemm_args.m(args, rows);
    sinter_weight_only_gemm_args.panel_begin(args, panelBegin);
    sinter_weight_only_gemm_args.panel_end(args, panelEnd);
    point(args, sinter_weight_only_gemm_args.x$offset(), x.data(), row * rowBytes);
    point(args, sinter_weight_only_gemm_args.y$offset(), y, 4 * row * spec.n());
    return call(args);
  }
}
