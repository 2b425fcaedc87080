package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_weight_only_gemm_args;
import dev.sinter.layout.PackedWeights;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code weight_only_gemm} of libsinter: f32 activations times 4-bit or 8-bit weights. */
final class WeightOnlyGemmNative extends PanelMatmul {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512, Isa.AVX512VNNI);

  private final PackedCodes weights;
  private final long bytes;
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  WeightOnlyGemmNative(
      MatmulSpec spec, CodesGemm.Packer packer, float[] bias, int workers, Isa isa) {
    super(spec, "weight_only_gemm", isa);
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

  /** 4-bit weights: the kernel splits a row once for the panels of a call. */
  @Override
  boolean panelsFirst() {
    return spec.int4();
  }

  @Override
  int call(
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
    point(args, sinter_weight_only_gemm_args.x$offset(), x.data(), 4 * row * spec.k());
    point(args, sinter_weight_only_gemm_args.y$offset(), y, 4 * row * spec.n());
    return switch (isa) {
      case SCALAR -> sinter_weight_only_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_weight_only_gemm_avx2(args);
      case AVX512 -> sinter_weight_only_gemm_avx512(args);
      case AVX512VNNI, AVX512BF16 -> sinter_weight_only_gemm_avx512vnni(args);
    };
  }
}
