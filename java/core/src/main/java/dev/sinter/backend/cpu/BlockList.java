package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_block_gemm_args;
import dev.sinter.bindings.sinter.sinter_block_pack_args;
import dev.sinter.bindings.sinter.sinter_f32_block_gemm_args;
import dev.sinter.bindings.sinter.sinter_float_gemm_args;
import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Weights of which whole blocks are zeros, or any, as the sparse matmuls of libsinter read them:
 * the others, panel by panel and there group by group, and which they are.
 */
final class BlockList {
  /** Outputs of a block: a panel. */
  static final int ROWS = 16;

  private static final int CACHE_LINE = 64;

  /** Work of a strip in panels without zeros: activations are laid out anew for each. */
  private static final int STRIP = 6;

  /** Strips come in a multiple of this, for as many workers. */
  private static final int SHARES = 4;

  /** What a panel costs in blocks if it has none. */
  private static final int EMPTY_PANEL = 8;

  /** What is packed, and how. */
  private enum Kind {
    INT8(4, 64, 1, 1),
    INT4(8, 64, 1, 1),
    F32(4, 256, 1, 4),
    /** Up to four weights of each output, from a window of 16 inputs. */
    INT8_UNSTRUCTURED(4, SINTER_SELL_STEP(), 1, 1),
    /** A weight of each output, wherever in its row: no block, but as wide as one input. */
    F32_UNSTRUCTURED(1, 64, ROWS, 4);

    final int columns;
    final int bytes;
    final int places;
    final int activationBytes;

    /**
     * @param columns inputs of a block
     * @param bytes of one
     * @param places that say where one lies
     */
    Kind(int columns, int bytes, int places, int activationBytes) {
      this.columns = columns;
      this.bytes = bytes;
      this.places = places;
      this.activationBytes = activationBytes;
    }

    int pack(MemorySegment args) {
      return switch (this) {
        case INT8 -> sinter_int8_block_pack_scalar(args);
        case INT4 -> sinter_int4_block_pack_scalar(args);
        case F32 -> sinter_f32_block_pack_scalar(args);
        case INT8_UNSTRUCTURED -> sinter_int8_sell_pack_scalar(args);
        case F32_UNSTRUCTURED -> sinter_f32_sell_pack_scalar(args);
      };
    }

    boolean floats() {
      return this == F32 || this == F32_UNSTRUCTURED;
    }

    /** Sums of the weights of an output. */
    int sums() {
      return switch (this) {
        case INT8 -> 1;
        case INT8_UNSTRUCTURED -> 2; // of those below 0 besides
        case INT4, F32, F32_UNSTRUCTURED -> 0;
      };
    }

    /** Checks what kernels read where, since they check nothing. */
    int check(int n, int k, int group, MemorySegment starts, MemorySegment places) {
      return switch (this) {
        case INT8, INT4, F32 -> sinter_block_list(n, k, group, columns, starts, places);
        case INT8_UNSTRUCTURED -> sinter_int8_sell_list(n, k, starts, places);
        case F32_UNSTRUCTURED -> sinter_sell_list(n, k, starts, places);
      };
    }
  }

  private final Kind kind;
  private final int n;
  private final int k;
  private final int group; // 0: all of k
  private final int panels;
  private final int groups;
  private final MemorySegment starts;
  private final MemorySegment places;
  private final MemorySegment weights;
  private final MemorySegment sums; // empty but for int8
  private final MemorySegment scales; // empty but for codes; to be written

  private BlockList(
      Kind kind, Arena arena, MemorySegment rows, int n, int k, int group, long scaleBytes) {
    this.kind = kind;
    this.n = n;
    this.k = k;
    this.group = group;
    panels = Math.ceilDiv(n, ROWS);
    groups = group == 0 ? 1 : Math.ceilDiv(k, group);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment args = sinter_block_pack_args.allocate(scratch);
      sinter_block_pack_args.weights(args, rows);
      sinter_block_pack_args.stride(args, k);
      sinter_block_pack_args.n(args, n);
      sinter_block_pack_args.k(args, k);
      sinter_block_pack_args.group(args, group);
      MemorySegment counted = scratch.allocate(ValueLayout.JAVA_LONG, (long) panels * groups + 1);
      sinter_block_pack_args.starts(args, counted);
      PanelMatmul.check(kind + " blocks", kind.pack(args));
      long blocks = counted.getAtIndex(ValueLayout.JAVA_LONG, (long) panels * groups);
      long sumBytes = 4L * ROWS * panels * kind.sums();
      // One block, since small ones of their own would not get huge pages.
      MemorySegment all =
          LargeMemory.allocate(
              arena,
              lines(blocks * kind.bytes)
                  + lines(2 * blocks * kind.places)
                  + lines(counted.byteSize())
                  + lines(sumBytes)
                  + scaleBytes);
      SegmentAllocator parts = SegmentAllocator.slicingAllocator(all);
      weights = parts.allocate(blocks * kind.bytes, CACHE_LINE);
      places = parts.allocate(2 * blocks * kind.places, CACHE_LINE);
      starts = parts.allocate(counted.byteSize(), CACHE_LINE).copyFrom(counted);
      sums = parts.allocate(sumBytes, CACHE_LINE);
      scales = parts.allocate(scaleBytes, CACHE_LINE);
      sinter_block_pack_args.starts(args, starts);
      sinter_block_pack_args.quads(args, places);
      sinter_block_pack_args.w(args, weights);
      sinter_block_pack_args.w_sums(args, sums);
      PanelMatmul.check(kind + " blocks", kind.pack(args));
    }
    PanelMatmul.check(kind + " list", kind.check(n, k, group, starts, places));
  }

  private static long lines(long bytes) {
    return Math.ceilDiv(bytes, CACHE_LINE) * (long) CACHE_LINE;
  }

  /** Inputs of a block of codes. */
  static int columns(Code code) {
    return (code == Code.INT4 ? Kind.INT4 : Kind.INT8).columns;
  }

  /** Those of symmetric codes of 8 bits, with a scale for each row, or 4. */
  static KernelWeights of(Arena arena, Quantized source) {
    return of(source.format().code() == Code.INT4 ? Kind.INT4 : Kind.INT8, arena, source);
  }

  private static KernelWeights of(Kind kind, Arena arena, Quantized source) {
    int k = source.columns();
    int group = source.format().groups(k) == 1 ? 0 : source.format().groupWidth(k);
    boolean half = PanelScales.fitHalf(source);
    PanelRows panelRows = new PanelRows(source.rows(), false);
    long scaleBytes = PanelScales.bytes(source, panelRows, half);
    BlockList list;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment rows = PackedCodes.bytewise(source, scratch);
      list = new BlockList(kind, arena, rows, source.rows(), k, group, scaleBytes);
    }
    PanelScales.write(source, panelRows, half, list.scales);
    return list.new Weights(half);
  }

  /** Those of f32 weights. */
  static KernelWeights of(Arena arena, Dense source) {
    return new BlockList(Kind.F32, arena, source.data(), source.rows(), source.columns(), 0, 0)
    .new Weights(false);
  }

  /** Those of 8-bit codes with a scale for each row, whatever lies around them. */
  static KernelWeights unstructured(Arena arena, Quantized source) {
    return of(Kind.INT8_UNSTRUCTURED, arena, source);
  }

  /** Those of f32 weights, whatever lies around them. */
  static KernelWeights unstructured(Arena arena, Dense source) {
    int n = source.rows();
    return new BlockList(Kind.F32_UNSTRUCTURED, arena, source.data(), n, source.columns(), 0, 0)
    .new Weights(false);
  }

  static MemorySegment scales(Arena arena, Quantized source, boolean half) {
    PanelRows rows = new PanelRows(source.rows(), false);
    MemorySegment scales = arena.allocate(PanelScales.bytes(source, rows, half), CACHE_LINE);
    PanelScales.write(source, rows, half, scales);
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

  private static MemorySegment scratch(Arena arena, int k, int activationBytes) {
    return arena.allocate(sinter_block_gemm_scratch(k, activationBytes), CACHE_LINE);
  }

  /** Blocks before a panel. */
  private long start(int panel) {
    return starts.getAtIndex(ValueLayout.JAVA_LONG, (long) panel * groups);
  }

  /** The blocks, and for codes their scales. */
  private final class Weights implements KernelWeights {
    private final boolean halfScales;

    Weights(boolean halfScales) {
      this.halfScales = halfScales;
    }

    @Override
    public MemorySegment arguments(Arena arena) {
      if (kind.floats()) {
        MemorySegment args = sinter_f32_block_gemm_args.allocate(arena);
        sinter_float_gemm_args.n(args, n);
        sinter_float_gemm_args.k(args, k);
        sinter_float_gemm_args.w(args, weights);
        sinter_f32_block_gemm_args.starts(args, starts);
        sinter_f32_block_gemm_args.quads(args, places);
        sinter_f32_block_gemm_args.scratch(args, scratch(arena, k, kind.activationBytes));
        return args;
      }
      MemorySegment args = codesArguments(arena, n, k, weights, scales, sums);
      sinter_gemm_args.w_group(args, group);
      sinter_gemm_args.w_scale_type(args, halfScales ? SINTER_F16() : SINTER_F32());
      sinter_block_gemm_args.starts(args, starts);
      sinter_block_gemm_args.quads(args, places);
      return args;
    }

    /** Equal shares of the blocks, as many as are worth it. */
    @Override
    public int[] strips() {
      long work = work(panels);
      long strip = (long) STRIP * Math.ceilDiv(k, kind.columns);
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
          + places.byteSize()
          + weights.byteSize()
          + scales.byteSize()
          + sums.byteSize();
    }
  }
}
