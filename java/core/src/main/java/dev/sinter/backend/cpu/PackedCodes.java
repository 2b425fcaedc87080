package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.bindings.sinter.sinter_gemm_args;
import dev.sinter.bindings.sinter.sinter_pack_args;
import dev.sinter.bindings.sinter.sinter_weight_only_gemm_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Integer weights as the matmuls of libsinter read them: codes by the packing kernel of their kind,
 * and in panels alike their scales, zero points and sums.
 */
final class PackedCodes implements KernelWeights {
  private static final int CACHE_LINE = 64;

  private final Quantized source;
  private final PanelRows rows;
  private final int groups;
  private final int group; // weights of a row that share a scale; 0: all
  private final int step;
  private final boolean halfScales;
  private final MemorySegment codes;
  private final MemorySegment sums; // NULL unless asked for
  private final MemorySegment scales;
  private final MemorySegment zeroPoints; // NULL if there are none

  /**
   * @param arena holds everything
   * @param inputGroup activations along K that share a scale; 0 for all of them
   * @param withSums whether the sums of the weights are needed, for activations with zero points
   */
  PackedCodes(Arena arena, Quantized source, PanelRows rows, int inputGroup, boolean withSums) {
    this.source = source;
    this.rows = rows;
    int panels = rows.panels();
    groups = source.format().groups(source.columns());
    group = groups == 1 ? 0 : source.format().groupWidth(source.columns());
    step = group == 0 || (inputGroup != 0 && inputGroup < group) ? inputGroup : group;
    long paddedK =
        Math.ceilDiv(source.columns(), SINTER_GEMM_BLOCK_K()) * (long) SINTER_GEMM_BLOCK_K();
    long entries = (long) SINTER_GEMM_PANEL() * panels * groups;
    long bytes = paddedK * SINTER_GEMM_PANEL() * panels * source.format().bits() / 8;
    long sumBytes = withSums ? 4L * SINTER_GEMM_PANEL() * panels * steps() : 0;
    halfScales = PanelScales.fitHalf(source);
    long scaleBytes = PanelScales.bytes(source, rows, halfScales);
    // One block, since small ones of their own would not get huge pages.
    MemorySegment block =
        LargeMemory.allocate(arena, lines(bytes) + lines(scaleBytes) + lines(sumBytes) + entries);
    SegmentAllocator parts = SegmentAllocator.slicingAllocator(block);
    codes = parts.allocate(bytes, CACHE_LINE);
    scales = parts.allocate(scaleBytes, CACHE_LINE);
    sums = withSums ? parts.allocate(sumBytes, CACHE_LINE) : MemorySegment.NULL;
    zeroPoints =
        source.format().zeroPoints() ? parts.allocate(entries, CACHE_LINE) : MemorySegment.NULL;
    pack();
    PanelScales.write(source, rows, halfScales, scales);
    arrangeZeroPoints();
  }

  private static long lines(long bytes) {
    return Math.ceilDiv(bytes, CACHE_LINE) * (long) CACHE_LINE;
  }

  private void pack() {
    int k = source.columns();
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
      sinter_pack_args.step(args, panelSums == 0 ? 0 : step);
      for (int p = 0; p < rows.panels(); p++) {
        for (int c = 0; c < rows.columns(p); c++) {
          source.readCodes(rows.row(p, c), row);
          MemorySegment.copy(row, 0, panel, ValueLayout.JAVA_BYTE, (long) c * k, k);
        }
        sinter_pack_args.n(args, rows.columns(p));
        sinter_pack_args.w(args, codes.asSlice(p * panelBytes, panelBytes));
        sinter_pack_args.w_sums(args, sums.asSlice(p * panelSums, panelSums));
        PanelMatmul.check(source.format().code() + " packing", pack(args));
      }
    }
  }

  private int pack(MemorySegment args) {
    return switch (source.format().code()) {
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

  private void arrangeZeroPoints() {
    for (int p = 0; p < rows.panels() && source.format().zeroPoints(); p++) {
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
    return step;
  }

  @Override
  public int steps() {
    return step == 0 ? 1 : Math.ceilDiv(source.columns(), step);
  }

  @Override
  public int[] strips() {
    return PanelMatmul.strips(rows.panels());
  }

  @Override
  public long bytes() {
    return codes.byteSize() + sums.byteSize() + scales.byteSize() + zeroPoints.byteSize();
  }

  @Override
  public MemorySegment arguments(Arena arena) {
    MemorySegment args = sinter_gemm_args.allocate(arena);
    sinter_gemm_args.n(args, rows.n());
    sinter_gemm_args.k(args, source.columns());
    sinter_gemm_args.w(args, codes);
    sinter_gemm_args.w_scales(args, scales);
    sinter_gemm_args.w_scale_type(args, halfScales ? SINTER_F16() : SINTER_F32());
    sinter_gemm_args.w_zero_points(args, zeroPoints);
    sinter_gemm_args.w_sums(args, sums);
    sinter_gemm_args.w_group(args, group);
    return args;
  }

  /** Sets the fields of a call that are about the weights, for f32 activations. */
  void describeWeightOnly(MemorySegment args) {
    sinter_weight_only_gemm_args.n(args, rows.n());
    sinter_weight_only_gemm_args.k(args, source.columns());
    sinter_weight_only_gemm_args.w(args, codes);
    sinter_weight_only_gemm_args.w_scales(args, scales);
    sinter_weight_only_gemm_args.w_scale_type(args, halfScales ? SINTER_F16() : SINTER_F32());
    sinter_weight_only_gemm_args.w_zero_points(args, zeroPoints);
    sinter_weight_only_gemm_args.w_group(args, group);
    sinter_weight_only_gemm_args.bits(args, source.format().bits());
  }
}
