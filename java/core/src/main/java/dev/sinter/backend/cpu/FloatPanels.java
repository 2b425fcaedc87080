package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_float_gemm_args;
import dev.sinter.bindings.sinter.sinter_float_pack_args;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.ToIntFunction;

/** All weights of all panels, F32 or BF16, as {@code f32_gemm} and {@code bf16_gemm} take them. */
record FloatPanels(PanelRows rows, int k, DType type, MemorySegment weights)
    implements KernelWeights {
  /** Columns of x and w together that a kernel reads: K, which BF16 pads to pairs. */
  static int columns(DType type, int k) {
    return type == DType.BF16 ? Math.ceilDiv(k, 2) * 2 : k;
  }

  /** Bytes of all panels. */
  private static long bytes(DType type, int k, PanelRows rows) {
    return (long) type.bytes() * SINTER_GEMM_PANEL() * columns(type, k) * rows.panels();
  }

  private static String layout(DType type) {
    return "panels of " + type;
  }

  /** Whether packed weights are what {@link #of} takes. */
  static boolean fits(PackedWeights packed, DType type, int k, PanelRows rows) {
    return packed.layout().equals(layout(type))
        && PanelMatmul.isReadable(packed.data(), bytes(type, k, rows));
  }

  /** Weights that were packed before. */
  static FloatPanels of(PackedWeights packed, DType type, int k, PanelRows rows) {
    return new FloatPanels(rows, k, type, packed.data());
  }

  static FloatPanels pack(Arena arena, Dense source, PanelRows rows, WorkerPool pool) {
    int k = source.columns();
    DType type = source.dtype();
    MemorySegment packed = LargeMemory.allocate(arena, bytes(type, k, rows));
    PanelLoop.of(pool, source.data())
        .run(rows.panels(), (from, to) -> pack(source, rows, from, to, packed));
    return new FloatPanels(rows, k, type, packed);
  }

  private static void pack(Dense source, PanelRows rows, int from, int to, MemorySegment packed) {
    int k = source.columns();
    boolean bf16 = source.dtype() == DType.BF16;
    ToIntFunction<MemorySegment> packer =
        bf16 ? args -> sinter_bf16_pack_scalar(args) : args -> sinter_f32_pack_scalar(args);
    long rowBytes = (long) source.dtype().bytes() * k;
    long panelBytes = packed.byteSize() / rows.panels();
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment panel =
          scratch.allocate(rowBytes * SINTER_GEMM_PANEL(), PanelMatmul.CACHE_LINE);
      MemorySegment args = sinter_float_pack_args.allocate(scratch);
      sinter_float_pack_args.w(args, panel);
      sinter_float_pack_args.stride(args, k);
      sinter_float_pack_args.k(args, k);
      sinter_float_pack_args.panel_end(args, 1);
      for (int p = from; p < to; p++) {
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
  }

  @Override
  public PackedWeights packed() {
    return new PackedWeights(layout(type), weights);
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
