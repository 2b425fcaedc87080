package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_block_gemm_args;
import dev.sinter.bindings.sinter.sinter_block_pack_args;
import dev.sinter.bindings.sinter.sinter_f32_block_gemm_args;
import dev.sinter.bindings.sinter.sinter_f32_gemm_args;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Weights of which whole blocks of {@value #ROWS} outputs by {@value #COLUMNS} inputs are zeros, as
 * the block matmuls of libsinter read them: the others, panel by panel, and which they are.
 */
final class BlockList {
  /** Outputs of a block, a panel. */
  static final int ROWS = 16;

  /** Inputs of a block. */
  static final int COLUMNS = 4;

  private static final int CACHE_LINE = 64;

  /** Work of a strip in panels without zeros: activations are laid out anew for each. */
  private static final int STRIP = 6;

  /** Strips come in a multiple of this, for as many workers. */
  private static final int SHARES = 4;

  /** What a panel costs in blocks if it has none. */
  private static final int EMPTY_PANEL = 8;

  /** Packs weights, or only counts their blocks. */
  private interface Pack {
    int call(MemorySegment args);
  }

  private final int n;
  private final int k;
  private final int elementBytes;
  private final int panels;
  private final MemorySegment starts;
  private final MemorySegment quads;
  private final MemorySegment weights;
  private final MemorySegment sums; // of int8

  private BlockList(
      Arena arena, MemorySegment rows, int n, int k, int elementBytes, String name, Pack pack) {
    this.n = n;
    this.k = k;
    this.elementBytes = elementBytes;
    panels = Math.ceilDiv(n, ROWS);
    starts = arena.allocate(ValueLayout.JAVA_LONG, panels + 1L);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment args = sinter_block_pack_args.allocate(scratch);
      sinter_block_pack_args.weights(args, rows);
      sinter_block_pack_args.stride(args, k);
      sinter_block_pack_args.n(args, n);
      sinter_block_pack_args.k(args, k);
      sinter_block_pack_args.starts(args, starts);
      PanelMatmul.check(name, pack.call(args));
      long blocks = start(panels);
      long weightBytes = blocks * ROWS * COLUMNS * elementBytes;
      // One block, since small ones of their own would not get huge pages.
      MemorySegment all =
          LargeMemory.allocate(arena, weightBytes + lines(2 * blocks) + 4L * ROWS * panels);
      SegmentAllocator parts = SegmentAllocator.slicingAllocator(all);
      weights = parts.allocate(weightBytes, CACHE_LINE);
      quads = parts.allocate(2 * blocks, CACHE_LINE);
      sums = parts.allocate(4L * ROWS * panels, CACHE_LINE);
      sinter_block_pack_args.quads(args, quads);
      sinter_block_pack_args.w(args, weights);
      sinter_block_pack_args.w_sums(args, sums);
      PanelMatmul.check(name, pack.call(args));
      PanelMatmul.check("sinter_block_list", sinter_block_list(n, k, starts, quads));
    }
  }

  private static long lines(long bytes) {
    return Math.ceilDiv(bytes, CACHE_LINE) * (long) CACHE_LINE;
  }

  /** Those of 8-bit codes with a scale for each row. */
  static KernelWeights of(Arena arena, Quantized source) {
    BlockList list;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment rows = PackedCodes.bytewise(source, scratch);
      String name = "sinter_int8_block_pack_scalar";
      int n = source.rows();
      int k = source.columns();
      list = new BlockList(arena, rows, n, k, 1, name, a -> sinter_int8_block_pack_scalar(a));
    }
    return list.new Weights(scales(arena, source));
  }

  /** The scales of rows, for whole panels. */
  static MemorySegment scales(Arena arena, Quantized source) {
    long count = (long) Math.ceilDiv(source.rows(), ROWS) * ROWS;
    MemorySegment scales = arena.allocate(ValueLayout.JAVA_FLOAT, count);
    for (int row = 0; row < source.rows(); row++) {
      scales.setAtIndex(ValueLayout.JAVA_FLOAT, row, source.scale(row, 0));
    }
    return scales;
  }

  /** Arguments of a kernel of codes, with scratch memory of their own. */
  static MemorySegment codesArguments(
      Arena arena, int n, int k, MemorySegment w, MemorySegment scales, MemorySegment sums) {
    MemorySegment args = sinter_block_gemm_args.allocate(arena);
    sinter_gemm_args.n(args, n);
    sinter_gemm_args.k(args, k);
    sinter_gemm_args.w(args, w);
    sinter_gemm_args.w_scales(args, scales);
    sinter_gemm_args.w_sums(args, sums);
    sinter_block_gemm_args.scratch(args, scratch(arena, k, 1));
    return args;
  }

  private static MemorySegment scratch(Arena arena, int k, int elementBytes) {
    return arena.allocate(sinter_block_gemm_scratch(k, elementBytes), CACHE_LINE);
  }

  /** Those of f32 weights. */
  static KernelWeights of(Arena arena, Dense source) {
    String name = "sinter_f32_block_pack_scalar";
    int n = source.rows();
    int k = source.columns();
    MemorySegment rows = source.data();
    return new BlockList(arena, rows, n, k, 4, name, a -> sinter_f32_block_pack_scalar(a))
    .new Weights(null);
  }

  private long start(int panel) {
    return starts.getAtIndex(ValueLayout.JAVA_LONG, panel);
  }

  /** The blocks, and for codes their scales. */
  private final class Weights implements KernelWeights {
    private final MemorySegment scales; // null for floats

    Weights(MemorySegment scales) {
      this.scales = scales;
    }

    @Override
    public MemorySegment arguments(Arena arena) {
      if (scales == null) {
        MemorySegment args = sinter_f32_block_gemm_args.allocate(arena);
        sinter_f32_gemm_args.n(args, n);
        sinter_f32_gemm_args.k(args, k);
        sinter_f32_gemm_args.w(args, weights);
        sinter_f32_block_gemm_args.starts(args, starts);
        sinter_f32_block_gemm_args.quads(args, quads);
        sinter_f32_block_gemm_args.scratch(args, scratch(arena, k, elementBytes));
        return args;
      }
      MemorySegment args = codesArguments(arena, n, k, weights, scales, sums);
      sinter_block_gemm_args.starts(args, starts);
      sinter_block_gemm_args.quads(args, quads);
      return args;
    }

    /** Equal shares of the blocks, as many as are worth it. */
    @Override
    public int[] strips() {
      long work = work(panels);
      long strip = (long) STRIP * Math.ceilDiv(k, COLUMNS);
      int count = (int) Math.min(panels, Math.ceilDiv(work, strip * SHARES) * SHARES);
      int[] begins = new int[count + 1];
      for (int i = 1, panel = 0; i <= count; i++) {
        while (panel < panels - (count - i) && work(panel) * count < work * i) {
          panel++;
        }
        begins[i] = panel;
      }
      return begins;
    }

    /** Of the panels before one. */
    private long work(int panel) {
      return start(panel) + (long) EMPTY_PANEL * panel;
    }

    @Override
    public long bytes() {
      return starts.byteSize()
          + quads.byteSize()
          + weights.byteSize()
          + (scales == null ? 0 : sums.byteSize() + scales.byteSize());
    }
  }
}
