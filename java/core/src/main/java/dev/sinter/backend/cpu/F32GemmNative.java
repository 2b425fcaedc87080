package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_f32_gemm_args;
import dev.sinter.bindings.sinter.sinter_f32_pack_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code f32_gemm} of libsinter: f32 activations times f32 weights. */
final class F32GemmNative extends FloatsGemm {
  /** libsinter must be loaded, and the CPU must have the instruction set. */
  F32GemmNative(MatmulSpec spec, Dense source, float[] bias, int workers, Isa isa) {
    super("f32_gemm", spec, bias, workers, isa, arena -> pack(arena, source));
  }

  /** All of a panel's weights. */
  private record Packed(int n, int k, int panels, MemorySegment weights) implements KernelWeights {
    @Override
    public MemorySegment arguments(Arena arena) {
      MemorySegment args = sinter_f32_gemm_args.allocate(arena);
      sinter_f32_gemm_args.n(args, n);
      sinter_f32_gemm_args.k(args, k);
      sinter_f32_gemm_args.w(args, weights);
      return args;
    }

    @Override
    public int[] strips() {
      return PanelMatmul.strips(panels);
    }

    @Override
    public long bytes() {
      return weights.byteSize();
    }
  }

  private static Packed pack(Arena arena, Dense source) {
    int n = source.rows();
    int k = source.columns();
    int panels = Math.ceilDiv(n, SINTER_GEMM_PANEL());
    MemorySegment packed = LargeMemory.allocate(arena, 4L * k * SINTER_GEMM_PANEL() * panels);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment args = sinter_f32_pack_args.allocate(scratch);
      sinter_f32_pack_args.w(args, source.data());
      sinter_f32_pack_args.stride(args, k);
      sinter_f32_pack_args.n(args, n);
      sinter_f32_pack_args.k(args, k);
      sinter_f32_pack_args.panel_end(args, panels);
      sinter_f32_pack_args.packed(args, packed);
      check("sinter_f32_pack_scalar", sinter_f32_pack_scalar(args));
    }
    return new Packed(n, k, panels, packed);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_f32_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_f32_gemm_avx2(args);
      case AVX512, AVX512VNNI -> sinter_f32_gemm_avx512(args);
    };
  }
}
