package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_float_gemm_args;
import dev.sinter.bindings.sinter.sinter_float_pack_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.ToIntFunction;

/** All weights of all panels, F32 or BF16, as {@code f32_gemm} and {@code bf16_gemm} take them. */
record FloatPanels(PanelRows rows, int k, MemorySegment weights) implements KernelWeights {
  /** Columns of x and w together that a kernel reads: K, which BF16 pads to pairs. */
  static int columns(DType type, int k) {
    return type == DType.BF16 ? Math.ceilDiv(k, 2) * 2 : k;
  }

  static FloatPanels pack(Arena arena, Dense source, PanelRows rows) {
    int k = source.columns();
    int bytes = source.dtype().bytes();
    boolean bf16 = source.dtype() == DType.BF16;
    ToIntFunction<MemorySegment> packer =
        bf16 ? args -> sinter_bf16_pack_scalar(args) : args -> sinter_f32_pack_scalar(args);
    long rowBytes = (long) bytes * k;
    long panelBytes = (long) bytes * SINTER_GEMM_PANEL() * columns(source.dtype(), k);
    MemorySegment packed = LargeMemory.allocate(arena, panelBytes * rows.panels());
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment panel =
          scratch.allocate(rowBytes * SINTER_GEMM_PANEL(), PanelMatmul.CACHE_LINE);
      MemorySegment args = sinter_float_pack_args.allocate(scratch);
      sinter_float_pack_args.w(args, panel);
      sinter_float_pack_args.stride(args, k);
      sinter_float_pack_args.k(args, k);
      sinter_float_pack_args.panel_end(args, 1);
      for (int p = 0; p < rows.panels(); p++) {
        for (int c = 0; c < rows.columns(p); c++) {
          MemorySegment.copy(
              source.data(), rows.row(p, c) * rowBytes, panel, c * rowBytes, rowBytes);
        }
        sinter_float_pack_args.n(args, rows.columns(p));
        sinter_float_pack_args.packed(args, packed.asSlice(p * panelBytes, panelBytes));
        PanelMatmul.check(
            bf16 ? "sinter_bf16_pack_scalar" : "sinter_f32_pack_scalar", packer.applyAsInt(args));
      }
    }
    return new FloatPanels(rows, k, packed);
  }

  @Override
  public MemorySegment arguments(Arena arena) {
    MemorySegment args = sinter_float_gemm_args.allocate(arena);
    sinter_float_gemm_args.n(args, rows.n());
    sinter_float_gemm_args.k(args, k);
    sinter_float_gemm_args.w(args, weights);
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
