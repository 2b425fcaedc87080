package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_f32_gemm_args;
import dev.sinter.bindings.sinter.sinter_f32_pack_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code f32_gemm} of libsinter: f32 activations times f32 weights. */
final class F32GemmNative extends PanelMatmul {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512);

  private final long bytes;
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  F32GemmNative(MatmulSpec spec, Dense source, float[] bias, int workers, Isa isa) {
    super(spec, "f32_gemm", isa);
    long weightBytes = 4L * spec.k() * SINTER_GEMM_PANEL() * panelRows.panels();
    MemorySegment weights = LargeMemory.allocate(arena, weightBytes);
    MemorySegment biases = biases(bias);
    bytes = weightBytes + biases.byteSize();
    try {
      pack(source, weights);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(weights, biases);
    }
  }

  private void pack(Dense source, MemorySegment weights) {
    long rowBytes = 4L * spec.k();
    long panelBytes = SINTER_GEMM_PANEL() * rowBytes;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment panel = scratch.allocate(panelBytes, CACHE_LINE);
      MemorySegment args = sinter_f32_pack_args.allocate(scratch);
      sinter_f32_pack_args.w(args, panel);
      sinter_f32_pack_args.stride(args, spec.k());
      sinter_f32_pack_args.k(args, spec.k());
      sinter_f32_pack_args.panel_end(args, 1);
      for (int p = 0; p < panelRows.panels(); p++) {
        for (int c = 0; c < panelRows.columns(p); c++) {
          MemorySegment.copy(
              source.data(), panelRows.row(p, c) * rowBytes, panel, c * rowBytes, rowBytes);
        }
        sinter_f32_pack_args.n(args, panelRows.columns(p));
        sinter_f32_pack_args.packed(args, weights.asSlice(p * panelBytes, panelBytes));
        check("sinter_f32_pack_scalar", sinter_f32_pack_scalar(args));
      }
    }
  }

  private MemorySegment arguments(MemorySegment weights, MemorySegment biases) {
    MemorySegment args = sinter_f32_gemm_args.allocate(arena);
    sinter_f32_gemm_args.n(args, spec.n());
    sinter_f32_gemm_args.k(args, spec.k());
    sinter_f32_gemm_args.x_stride(args, spec.k());
    sinter_f32_gemm_args.w(args, weights);
    sinter_f32_gemm_args.bias(args, biases);
    sinter_f32_gemm_args.y_stride(args, spec.n());
    sinter_f32_gemm_args.activation(args, activation());
    sinter_f32_gemm_args.accumulate(args, accumulate());
    sinter_f32_gemm_args.gate(args, gate());
    return args;
  }

  @Override
  public int codeColumns() {
    return spec.k();
  }

  @Override
  public long bytes() {
    return bytes;
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
    sinter_f32_gemm_args.m(args, rows);
    sinter_f32_gemm_args.panel_begin(args, panelBegin);
    sinter_f32_gemm_args.panel_end(args, panelEnd);
    point(args, sinter_f32_gemm_args.x$offset(), x.data(), 4 * row * spec.k());
    point(args, sinter_f32_gemm_args.y$offset(), y, 4 * row * spec.n());
    return switch (isa) {
      case SCALAR -> sinter_f32_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_f32_gemm_avx2(args);
      case AVX512, AVX512VNNI -> sinter_f32_gemm_avx512(args);
    };
  }
}
