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

  /**
   * Panels of a tile: whole register tiles, of 3 panels side by side but for two or four rows of
   * int8, and no more, so that no worker waits long for the last ones.
   */
  private static final int STRIP = 6;

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
    int[] begins = new int[Math.ceilDiv(panels, STRIP) + 1];
    for (int i = 0; i < begins.length; i++) {
      begins[i] = Math.min(panels, i * STRIP);
    }
    return begins;
  }

  /** Takes other strips; for constructors. */
  final void cut(int[] other) {
    strips = other;
  }

  /**
   * Whether the strips of a row block come one after another, in one call where that is possible.
   * Else it is the row blocks of a strip, whose weights are still in the cache then.
   */
  boolean panelsFirst() {
    return false;
  }

  /** Calls the kernel for a part of y and returns its status. */
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
    run(worker, tile, tile + 1, m, x, y);
  }

  @Override
  public final void run(int worker, int from, int to, int m, ActivationBuffer x, MemorySegment y) {
    spec.checkNativeCall(m, x, codeColumns(), y);
    int blocks = Math.ceilDiv(m, ROW_BLOCK);
    int count = strips.length - 1;
    boolean merged = blocks == 1 || panelsFirst();
    for (int tile = from, some; tile < to; tile += some) {
      int strip = merged ? tile % count : tile / blocks;
      int row = (merged ? tile / count : tile % blocks) * ROW_BLOCK;
      some = merged ? Math.min(to - tile, count - strip) : 1;
      int rows = Math.min(ROW_BLOCK, m - row);
      check(implementation, call(worker, strips[strip], strips[strip + some], row, rows, x, y));
    }
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

  /** Whether packed weights have this size, and lie where kernels can read them. */
  static boolean isReadable(MemorySegment packed, long bytes) {
    return packed.byteSize() == bytes && packed.isNative() && packed.address() % CACHE_LINE == 0;
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
