package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.bindings.sinter.sinter_pack_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;

/** {@code int8_gemm} of libsinter: 8-bit activations times 8-bit weights. */
final class Int8GemmNative extends PanelMatmul {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVXVNNI, Isa.AVX512VNNI);

  /** Largest K whose sums of (q - z) * w, at most 255 * 128 each, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 128);

  private final int stride;
  private final long bytes;
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Int8GemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    super(spec, "int8_gemm", isa);
    int lines = Math.ceilDiv(spec.k(), CACHE_LINE);
    stride = (lines | 1) * CACHE_LINE; // odd: rows lie in different sets of the L1 cache
    long paddedK = Math.ceilDiv(spec.k(), SINTER_GEMM_BLOCK_K()) * (long) SINTER_GEMM_BLOCK_K();
    long weightBytes = paddedK * SINTER_GEMM_PANEL() * panels;
    MemorySegment weights = LargeMemory.allocate(arena, weightBytes);
    MemorySegment sums = arena.allocate(4L * SINTER_GEMM_PANEL() * panels, CACHE_LINE);
    MemorySegment scales = arena.allocate(4L * SINTER_GEMM_PANEL() * panels, CACHE_LINE);
    for (int n = 0; n < spec.n(); n++) {
      scales.setAtIndex(ValueLayout.JAVA_FLOAT, n, source.scale(n));
    }
    MemorySegment biases = biases(bias);
    bytes = weightBytes + sums.byteSize() + scales.byteSize() + biases.byteSize();
    try {
      pack(source, weights, sums);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(weights, sums, scales, biases);
    }
  }

  private void pack(Quantized source, MemorySegment weights, MemorySegment sums) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment args = sinter_pack_args.allocate(scratch);
      sinter_pack_args.codes(args, source.codes());
      sinter_pack_args.stride(args, spec.k());
      sinter_pack_args.n(args, spec.n());
      sinter_pack_args.k(args, spec.k());
      sinter_pack_args.panel_end(args, panels);
      sinter_pack_args.w(args, weights);
      sinter_pack_args.w_sums(args, sums);
      check("sinter_int8_pack_scalar", sinter_int8_pack_scalar(args));
    }
  }

  private MemorySegment arguments(
      MemorySegment weights, MemorySegment sums, MemorySegment scales, MemorySegment biases) {
    MemorySegment args = sinter_gemm_args.allocate(arena);
    sinter_gemm_args.n(args, spec.n());
    sinter_gemm_args.k(args, spec.k());
    sinter_gemm_args.x_stride(args, stride);
    sinter_gemm_args.w(args, weights);
    sinter_gemm_args.w_scales(args, scales);
    sinter_gemm_args.w_sums(args, sums);
    sinter_gemm_args.bias(args, biases);
    sinter_gemm_args.y_stride(args, spec.n());
    sinter_gemm_args.activation(args, activation());
    sinter_gemm_args.accumulate(args, accumulate());
    return args;
  }

  @Override
  public int codeColumns() {
    return stride;
  }

  @Override
  public boolean signedCodes() {
    return spec.activations() == ActivationScheme.U8_PER_TOKEN;
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
    sinter_gemm_args.m(args, rows);
    sinter_gemm_args.panel_begin(args, panelBegin);
    sinter_gemm_args.panel_end(args, panelEnd);
    point(args, sinter_gemm_args.x$offset(), x.data(), row * stride);
    point(args, sinter_gemm_args.x_scales$offset(), x.scales(), 4 * row);
    point(args, sinter_gemm_args.x_sums$offset(), x.sums(), 4 * row);
    if (x.scheme() == ActivationScheme.U8_PER_TOKEN) {
      point(args, sinter_gemm_args.x_zero_points$offset(), x.zeroPoints(), 4 * row);
    }
    point(args, sinter_gemm_args.y$offset(), y, 4 * row * spec.n());
    return switch (isa) {
      case SCALAR -> sinter_int8_gemm_scalar(args);
      case AVX2 -> sinter_int8_gemm_avx2(args);
      case AVXVNNI -> sinter_int8_gemm_avxvnni(args);
      case AVX512, AVX512VNNI -> sinter_int8_gemm_avx512vnni(args);
    };
  }
}
