package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.bindings.sinter.sinter_pack_args;
import dev.sinter.bindings.sinter.sinter_weight_only_gemm_args;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Integer weights as the matmuls of libsinter read them: codes by the packing kernel of their kind,
 * and in panels alike their scales, zero points and sums.
 */
final class PackedCodes implements KernelWeights {
  private static final int CACHE_LINE = 64;
  private static final String LAYOUT = "panels of codes, scales, sums and zero points";

  private final Shape shape;
  private final boolean halfScales;
  private final MemorySegment block; // all that follows
  private final MemorySegment codes;
  private final MemorySegment scales;
  private final MemorySegment sums; // NULL unless asked for
  private final MemorySegment zeroPoints; // NULL if there are none

  /**
   * What decides where everything lies, but for the type of the scales.
   *
   * @param inputGroup activations along K that share a scale; 0 for all of them
   * @param withSums whether the sums of the weights are needed, for activations with zero points
   */
  record Shape(CodeFormat format, int k, PanelRows rows, int inputGroup, boolean withSums) {
    int groups() {
      return format.groups(k);
    }

    /** Weights of a row that share a scale; 0: all. */
    int group() {
      return groups() == 1 ? 0 : format.groupWidth(k);
    }

    /** Weights of a row that are summed together; 0: all. */
    int step() {
      int group = group();
      return group == 0 || (inputGroup != 0 && inputGroup < group) ? inputGroup : group;
    }

    int steps() {
      return step() == 0 ? 1 : Math.ceilDiv(k, step());
    }

    private long columns() {
      return (long) SINTER_GEMM_PANEL() * rows.panels();
    }

    private long codeBytes() {
      int block = SINTER_GEMM_BLOCK_K();
      return (long) Math.ceilDiv(k, block) * block * columns() * format.bits() / 8;
    }

    private long scaleBytes(boolean half) {
      return (half ? 2L : 4L) * columns() * groups();
    }

    private long sumBytes() {
      return withSums ? 4L * columns() * steps() : 0;
    }

    private long zeroPointBytes() {
      return format.zeroPoints() ? columns() * groups() : 0;
    }

    private long bytes(boolean half) {
      return lines(codeBytes()) + lines(scaleBytes(half)) + lines(sumBytes()) + zeroPointBytes();
    }
  }

  private PackedCodes(Shape shape, boolean halfScales, MemorySegment block) {
    this.shape = shape;
    this.halfScales = halfScales;
    this.block = block;
    codes = block.asSlice(0, shape.codeBytes());
    long at = lines(shape.codeBytes());
    scales = block.asSlice(at, shape.scaleBytes(halfScales));
    at += lines(shape.scaleBytes(halfScales));
    sums = part(block, at, shape.sumBytes());
    at += lines(shape.sumBytes());
    zeroPoints = part(block, at, shape.zeroPointBytes());
  }

  private static MemorySegment part(MemorySegment block, long offset, long bytes) {
    return bytes == 0 ? MemorySegment.NULL : block.asSlice(offset, bytes);
  }

  /**
   * Packs weights.
   *
   * @param arena holds the result
   * @param pool whose workers do it; null for the calling thread
   */
  static PackedCodes pack(Arena arena, Quantized source, Shape shape, WorkerPool pool) {
    boolean half = PanelScales.fitHalf(source);
    // One block, since small ones of their own would not get huge pages.
    MemorySegment block = LargeMemory.allocate(arena, shape.bytes(half));
    PackedCodes packed = new PackedCodes(shape, half, block);
    PanelLoop.of(pool, source.codes())
        .run(shape.rows().panels(), (from, to) -> packed.pack(source, from, to));
    PanelScales.write(source, shape.rows(), half, packed.scales);
    packed.arrangeZeroPoints(source);
    return packed;
  }

  /** Whether packed weights are what {@link #of} takes. */
  static boolean fits(PackedWeights packed, Shape shape) {
    for (boolean half : new boolean[] {false, true}) {
      if (packed.layout().equals(layout(half))) {
        return PanelMatmul.isReadable(packed.data(), shape.bytes(half));
      }
    }
    return false;
  }

  /** Weights that were packed before. */
  static PackedCodes of(PackedWeights packed, Shape shape) {
    return new PackedCodes(shape, packed.layout().equals(layout(true)), packed.data());
  }

  private static String layout(boolean halfScales) {
    return LAYOUT + ", scales in " + (halfScales ? DType.F16 : DType.F32);
  }

  @Override
  public PackedWeights packed() {
    return new PackedWeights(layout(halfScales), block);
  }

  private static long lines(long bytes) {
    return Math.ceilDiv(bytes, CACHE_LINE) * (long) CACHE_LINE;
  }

  private void pack(Quantized source, int from, int to) {
    PanelRows rows = shape.rows();
    int k = shape.k();
    long panelBytes = codes.byteSize() / rows.panels();
    long panelSums = sums.byteSize() / rows.panels();
    byte[] row = new byte[k];
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment panel = scratch.allocate((long) SINTER_GEMM_PANEL() * k, CACHE_LINE);
      MemorySegment args = sinter_pack_args.allocate(scratch);
      sinter_pack_args.codes(args, panel); // one a byte
      sinter_pack_args.stride(args, k);
      sinter_pack_args.k(args, k);
      sinter_pack_args.panel_end(args, 1);
      sinter_pack_args.step(args, panelSums == 0 ? 0 : shape.step());
      for (int p = from; p < to; p++) {
        for (int c = 0; c < rows.columns(p); c++) {
          source.readCodes(rows.row(p, c), row);
          MemorySegment.copy(row, 0, panel, ValueLayout.JAVA_BYTE, (long) c * k, k);
        }
        sinter_pack_args.n(args, rows.columns(p));
        sinter_pack_args.w(args, codes.asSlice(p * panelBytes, panelBytes));
        sinter_pack_args.w_sums(args, sums.asSlice(p * panelSums, panelSums));
        PanelMatmul.check(shape.format().code() + " packing", pack(args));
      }
    }
  }

  private int pack(MemorySegment args) {
    return switch (shape.format().code()) {
      case INT8 -> sinter_int8_pack_scalar(args);
      case INT4 -> sinter_int4_pack_scalar(args);
      case TERNARY -> sinter_ternary_pack_scalar(args);
      case BINARY -> sinter_binary_pack_scalar(args);
    };
  }

  /** The codes, one a byte, row by row. */
  static MemorySegment bytewise(Quantized source, Arena scratch) {
    if (source.format().code() == Code.INT8 && source.codes().isNative()) {
      return source.codes();
    }
    int k = source.columns();
    MemorySegment bytes = scratch.allocate((long) source.rows() * k, CACHE_LINE);
    byte[] row = new byte[k];
    for (int n = 0; n < source.rows(); n++) {
      source.readCodes(n, row);
      MemorySegment.copy(row, 0, bytes, ValueLayout.JAVA_BYTE, (long) n * k, k);
    }
    return bytes;
  }

  private void arrangeZeroPoints(Quantized source) {
    PanelRows rows = shape.rows();
    int groups = shape.groups();
    for (int p = 0; p < rows.panels() && shape.format().zeroPoints(); p++) {
      for (int g = 0; g < groups; g++) {
        for (int c = 0; c < rows.columns(p); c++) {
          long index = ((long) p * groups + g) * SINTER_GEMM_PANEL() + c;
          zeroPoints.set(ValueLayout.JAVA_BYTE, index, (byte) source.zeroPoint(rows.row(p, c), g));
        }
      }
    }
  }

  @Override
  public int step() {
    return shape.step();
  }

  @Override
  public int steps() {
    return shape.steps();
  }

  @Override
  public int[] strips() {
    return PanelMatmul.strips(shape.rows().panels());
  }

  @Override
  public long bytes() {
    return codes.byteSize() + sums.byteSize() + scales.byteSize() + zeroPoints.byteSize();
  }

  @Override
  public MemorySegment arguments(Arena arena) {
    MemorySegment args = sinter_gemm_args.allocate(arena);
    sinter_gemm_args.n(args, shape.rows().n());
    sinter_gemm_args.k(args, shape.k());
    sinter_gemm_args.w(args, codes);
    sinter_gemm_args.w_scales(args, scales);
    sinter_gemm_args.w_scale_type(args, halfScales ? SINTER_F16() : SINTER_F32());
    sinter_gemm_args.w_zero_points(args, zeroPoints);
    sinter_gemm_args.w_sums(args, sums);
    sinter_gemm_args.w_group(args, shape.group());
    return args;
  }

  /** Sets the fields of a call that are about the weights, for f32 activations. */
  void describeWeightOnly(MemorySegment args) {
    sinter_weight_only_gemm_args.n(args, shape.rows().n());
    sinter_weight_only_gemm_args.k(args, shape.k());
    sinter_weight_only_gemm_args.w(args, codes);
    sinter_weight_only_gemm_args.w_scales(args, scales);
    sinter_weight_only_gemm_args.w_scale_type(args, halfScales ? SINTER_F16() : SINTER_F32());
    sinter_weight_only_gemm_args.w_zero_points(args, zeroPoints);
    sinter_weight_only_gemm_args.w_group(args, shape.group());
    sinter_weight_only_gemm_args.bits(args, shape.format().bits());
  }
}
