package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the integer matmuls of libsinter have in common: how they are cut into tiles, and what they
 * are called with. A tile is a block of rows of a strip of panels; what a row yields depends on
 * neither.
 */
abstract class CodesGemm implements MatmulKernel {
  /** Whole register tiles of every instruction set: 3 or 4 panels go side by side. */
  private static final int STRIP = 12;

  /** Rows whose codes stay in the L2 cache while the panels of a strip pass by. */
  private static final int ROW_BLOCK = 128;

  private static final int CACHE_LINE = 64;

  private final MatmulSpec spec;
  private final Isa isa;
  private final String implementation;
  private final int stride;
  private final PackedCodes weights;
  private final int sumsOfRow;
  private final long bytes;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] arguments; // of each worker; only pointers and counts change

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param operation {@code int8_gemm} or {@code int4_gemm}
   */
  CodesGemm(
      String operation, MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    implementation = "sinter_" + operation + "_" + isa.text();
    int lines = Math.ceilDiv(spec.k(), CACHE_LINE);
    stride = (lines | 1) * CACHE_LINE; // odd: rows lie in different sets of the L1 cache
    weights = new PackedCodes(source, spec.activations() == ActivationScheme.U8_PER_TOKEN);
    sumsOfRow = weights.group() == 0 ? 1 : Math.ceilDiv(spec.k(), weights.group());
    MemorySegment biases =
        bias == null ? MemorySegment.NULL : arena.allocateFrom(ValueLayout.JAVA_FLOAT, bias);
    bytes = weights.bytes() + biases.byteSize();
    arguments = new MemorySegment[workers];
    for (int i = 0; i < workers; i++) {
      arguments[i] = arguments(biases);
    }
  }

  private MemorySegment arguments(MemorySegment biases) {
    MemorySegment args = sinter_gemm_args.allocate(arena);
    weights.describe(args);
    sinter_gemm_args.x_stride(args, stride);
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

  /** Calls the kernel of the instruction set and returns its status. */
  abstract int call(Isa isa, MemorySegment args);

  @Override
  public final String implementation() {
    return implementation;
  }

  @Override
  public final String isa() {
    return isa.text();
  }

  @Override
  public final int codeColumns() {
    return stride;
  }

  @Override
  public final boolean signedCodes() {
    return spec.activations() == ActivationScheme.U8_PER_TOKEN;
  }

  @Override
  public final int sumStep() {
    return weights.group();
  }

  @Override
  public final long bytes() {
    return bytes;
  }

  @Override
  public final int tiles(int m) {
    return Math.ceilDiv(weights.panels(), STRIP) * Math.ceilDiv(m, ROW_BLOCK);
  }

  @Override
  public final void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    check(m, x);
    // The row blocks of a strip come one after another: its weights are still in the cache.
    int blocks = Math.ceilDiv(m, ROW_BLOCK);
    int strip = tile / blocks * STRIP;
    long row = (long) tile % blocks * ROW_BLOCK;
    MemorySegment args = arguments[worker];
    sinter_gemm_args.m(args, Math.min(ROW_BLOCK, m - row));
    sinter_gemm_args.panel_begin(args, strip);
    sinter_gemm_args.panel_end(args, Math.min(strip + STRIP, weights.panels()));
    point(args, sinter_gemm_args.x$offset(), x.data(), row * stride);
    point(args, sinter_gemm_args.x_scales$offset(), x.scales(), 4 * row);
    MemorySegment sums = sumStep() == 0 ? x.sums() : x.stepSums();
    point(args, sinter_gemm_args.x_sums$offset(), sums, 4 * row * sumsOfRow);
    if (signedCodes()) {
      point(args, sinter_gemm_args.x_zero_points$offset(), x.zeroPoints(), 4 * row);
    }
    point(args, sinter_gemm_args.y$offset(), y, 4 * row * spec.n());
    int status = call(isa, args);
    if (status != SINTER_OK()) {
      throw new NativeException(implementation, status, sinter_status_text(status).getString(0));
    }
  }

  private void check(int m, ActivationBuffer x) {
    if (x.scheme() != spec.activations()
        || x.signedCodes() != signedCodes()
        || x.sumStep() != sumStep()
        || x.columns() != spec.k()
        || x.stride() != stride
        || m > x.rows()) {
      throw new IllegalArgumentException(
          "input of "
              + x.rows()
              + " rows of "
              + x.columns()
              + " "
              + x.scheme()
              + ", summed by "
              + x.sumStep()
              + ", is not what "
              + m
              + " rows of this kernel need: "
              + spec);
    }
  }

  /** As a number: a slice would be an object on the heap. The caller keeps the memory alive. */
  private static void point(MemorySegment args, long field, MemorySegment data, long offset) {
    args.set(ValueLayout.JAVA_LONG, field, data.address() + offset);
  }

  @Override
  public final void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    weights.close();
  }
}
