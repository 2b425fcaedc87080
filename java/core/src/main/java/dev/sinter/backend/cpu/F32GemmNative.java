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
    super("f32_gemm", spec, bias, workers, isa, arena -> pack(arena, source, PanelRows.of(spec)));
  }

  /** All of a panel's weights. */
  private record Packed(PanelRows rows, int k, MemorySegment weights) implements KernelWeights {
    @Override
    public MemorySegment arguments(Arena arena) {
      MemorySegment args = sinter_f32_gemm_args.allocate(arena);
      sinter_f32_gemm_args.n(args, rows.n());
      sinter_f32_gemm_args.k(args, k);
      sinter_f32_gemm_args.w(args, weights);
      return args;
    }

    @Override
    public int[] strips() {
      return PanelMatmul.strips(rows.panels());
    }

    @Override
    public long bytes() {
      return weights.byteSize();
    }
  }

  private static Packed pack(Arena arena, Dense source, PanelRows rows) {
    int k = source.columns();
    long rowBytes = 4L * k;
    long panelBytes = SINTER_GEMM_PANEL() * rowBytes;
    MemorySegment packed = LargeMemory.allocate(arena, panelBytes * rows.panels());
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment panel = scratch.allocate(panelBytes, CACHE_LINE);
      MemorySegment args = sinter_f32_pack_args.allocate(scratch);
      sinter_f32_pack_args.w(args, panel);
      sinter_f32_pack_args.stride(args, k);
      sinter_f32_pack_args.k(args, k);
      sinter_f32_pack_args.panel_end(args, 1);
      for (int p = 0; p < rows.panels(); p++) {
        for (int c = 0; c < rows.columns(p); c++) {
          MemorySegment.copy(
              source.data(), rows.row(p, c) * rowBytes, panel, c * rowBytes, rowBytes);
        }
        sinter_f32_pack_args.n(args, rows.columns(p));
        sinter_f32_pack_args.packed(args, packed.asSlice(p * panelBytes, panelBytes));
        check("sinter_f32_pack_scalar", sinter_f32_pack_scalar(args));
      }
    }
    return new Packed(rows, k, packed);
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
