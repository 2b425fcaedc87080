package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.runtime.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the matmuls of libsinter share: weights in panels of 16 columns, and a tile that is a block
 * of rows of a strip of panels. What a row yields depends on neither.
 */
abstract class PanelMatmul implements MatmulKernel {
  static final int CACHE_LINE = 64;

  /** Whole register tiles of every instruction set: 3 or 4 panels go side by side. */
  private static final int STRIP = 12;

  /** The last panels, a strip and what does not fill one, go in these, so that no worker waits. */
  private static final int LAST_STRIPS = 3;

  /** Rows whose activations stay in the L2 cache while the panels of a strip pass by. */
  private static final int ROW_BLOCK = 128;

  final MatmulSpec spec;
  final Isa isa;
  final PanelRows panelRows;
  private final int panels;
  final Arena arena = Arena.ofShared();
  private final String implementation;
  private int[] strips; // the first panel of each, and the number of panels

  /**
   * @param operation as in {@code sinter_<operation>_<isa>}
   */
  PanelMatmul(MatmulSpec spec, String operation, Isa isa) {
    this.spec = spec;
    this.isa = isa;
    implementation = "sinter_" + operation + "_" + isa.text();
    panelRows = PanelRows.of(spec);
    panels = panelRows.panels();
    strips = strips(panels);
  }

  /** Strips for panels that are equally much work: the first panel of each, and the last's end. */
  static int[] strips(int panels) {
    int wide = Math.max(0, panels / STRIP - 1);
    int[] begins = new int[wide + Math.ceilDiv(panels - wide * STRIP, LAST_STRIPS) + 1];
    for (int i = 0; i < begins.length; i++) {
      int before = Math.min(i, wide);
      begins[i] = Math.min(panels, before * STRIP + (i - before) * LAST_STRIPS);
    }
    return begins;
  }

  /** Takes other strips; for constructors. */
  final void cut(int[] strips) {
    this.strips = strips;
  }

  /** Calls the kernel for a tile and returns its status. */
  abstract int call(
      int worker,
      int panelBegin,
      int panelEnd,
      long row,
      int rows,
      ActivationBuffer x,
      MemorySegment y);

  @Override
  public final void run(int worker, int tile, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkNativeCall(m, x, codeColumns(), y);
    // The row blocks of a strip come one after another: its weights are still in the cache.
    int blocks = Math.ceilDiv(m, ROW_BLOCK);
    int strip = tile / blocks;
    int row = tile % blocks * ROW_BLOCK;
    check(
        implementation,
        call(worker, strips[strip], strips[strip + 1], row, Math.min(ROW_BLOCK, m - row), x, y));
  }

  @Override
  public final int tiles(int m) {
    return (strips.length - 1) * Math.ceilDiv(m, ROW_BLOCK);
  }

  @Override
  public final String implementation() {
    return implementation;
  }

  @Override
  public final String isa() {
    return isa.text();
  }

  @Override
  public final void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  /** The bias where native code can read it, or NULL. */
  final MemorySegment biases(float[] bias) {
    return bias == null ? MemorySegment.NULL : arena.allocateFrom(ValueLayout.JAVA_FLOAT, bias);
  }

  final int activation() {
    return switch (spec.epilogue().activation()) {
      case Activation.NONE -> SINTER_NO_ACTIVATION();
      case Activation.GELU_ERF -> SINTER_GELU_ERF();
      case Activation.GELU_TANH -> SINTER_GELU_TANH();
      case Activation.SILU -> SINTER_SILU();
    };
  }

  final int gate() {
    return spec.epilogue().gate() ? 1 : 0;
  }

  final int accumulate() {
    return spec.epilogue().residual() ? 1 : 0;
  }

  /** As a number: a slice would be an object on the heap. The caller keeps the memory alive. */
  static void point(MemorySegment args, long field, MemorySegment data, long offset) {
    args.set(ValueLayout.JAVA_LONG, field, data.address() + offset);
  }

  static void check(String function, int status) {
    if (status != SINTER_OK()) {
      throw new NativeException(function, status, sinter_status_text(status).getString(0));
    }
  }
}
