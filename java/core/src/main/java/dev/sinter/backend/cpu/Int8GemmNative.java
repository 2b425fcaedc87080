package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.bindings.sinter.sinter_pack_args;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;

/**
 * {@code int8_gemm} of libsinter: 8-bit activations times 8-bit weights. A tile is a block of rows
 * of a strip of panels; what a row yields depends on neither.
 */
final class Int8GemmNative implements MatmulKernel {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVXVNNI, Isa.AVX512VNNI);

  /** Largest K whose sums of (q - z) * w, at most 255 * 128 each, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 128);

  /** Whole register tiles of every instruction set: 3 or 4 panels go side by side. */
  private static final int STRIP = 12;

  /** Rows whose codes stay in the L2 cache while the panels of a strip pass by. */
  private static final int ROW_BLOCK = 128;

  private static final int CACHE_LINE = 64;

  private final MatmulSpec spec;
  private final Isa isa;
  private final String implementation;
  private final int panels;
  private final int stride;
  private final long bytes;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Int8GemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    implementation = "sinter_int8_gemm_" + isa.text();
    panels = Math.ceilDiv(spec.n(), SINTER_GEMM_PANEL());
    int lines = Math.ceilDiv(spec.k(), CACHE_LINE);
    stride = (lines | 1) * CACHE_LINE; // odd: rows lie in different sets of the L1 cache
    long paddedK = Math.ceilDiv(spec.k(), SINTER_GEMM_BLOCK_K()) * (long) SINTER_GEMM_BLOCK_K();
    long weightBytes = paddedK * SINTER_GEMM_PANEL() * panels;
    MemorySegment weights = arena.allocate(weightBytes, CACHE_LINE);
    MemorySegment sums = arena.allocate(4L * SINTER_GEMM_PANEL() * panels, CACHE_LINE);
    MemorySegment scales = arena.allocate(4L * SINTER_GEMM_PANEL() * panels, CACHE_LINE);
    for (int n = 0; n < spec.n(); n++) {
      scales.setAtIndex(ValueLayout.JAVA_FLOAT, n, source.scale(n));
    }
    MemorySegment biases =
        bias == null ? MemorySegment.NULL : arena.allocateFrom(ValueLayout.JAVA_FLOAT, bias);
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
    sinter_gemm_args.activation(
        args,
        switch (spec.epilogue().activation()) {
          case Activation.NONE -> SINTER_NO_ACTIVATION();
          case Activation.GELU_ERF -> SINTER_GELU_ERF();
        });
    sinter_gemm_args.accumulate(args, spec.epilogue().residual() ? 1 : 0);
    return args;
  }

  @Override
  public String implementation() {
    return implementation;
  }

  @Override
  public String isa() {
    return isa.text();
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
  public int tiles(int m) {
    return Math.ceilDiv(panels, STRIP) * Math.ceilDiv(m, ROW_BLOCK);
  }

  @Override
  public void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    // The row blocks of a strip come one after another: its weights are still in the cache.
    int blocks = Math.ceilDiv(m, ROW_BLOCK);
    int strip = tile / blocks * STRIP;
    long row = (long) tile % blocks * ROW_BLOCK;
    MemorySegment args = arguments[worker];
    sinter_gemm_args.m(args, Math.min(ROW_BLOCK, m - row));
    sinter_gemm_args.panel_begin(args, strip);
    sinter_gemm_args.panel_end(args, Math.min(strip + STRIP, panels));
    point(args, sinter_gemm_args.x$offset(), x.data(), row * stride);
    point(args, sinter_gemm_args.x_scales$offset(), x.scales(), 4 * row);
    point(args, sinter_gemm_args.x_sums$offset(), x.sums(), 4 * row);
    if (x.scheme() == ActivationScheme.U8_PER_TOKEN) {
      point(args, sinter_gemm_args.x_zero_points$offset(), x.zeroPoints(), 4 * row);
    }
    point(args, sinter_gemm_args.y$offset(), y, 4 * row * spec.n());
    int status =
        switch (isa) {
          case SCALAR -> sinter_int8_gemm_scalar(args);
          case AVX2 -> sinter_int8_gemm_avx2(args);
          case AVXVNNI -> sinter_int8_gemm_avxvnni(args);
          case AVX512, AVX512VNNI -> sinter_int8_gemm_avx512vnni(args);
        };
    check(implementation, status);
  }

  /** As a number: a slice would be an object on the heap. The caller keeps the memory alive. */
  private static void point(MemorySegment args, long field, MemorySegment data, long offset) {
    args.set(ValueLayout.JAVA_LONG, field, data.address() + offset);
  }

  private static void check(String function, int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(function, status, sinter_status_text(status).getString(0));
    }
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
