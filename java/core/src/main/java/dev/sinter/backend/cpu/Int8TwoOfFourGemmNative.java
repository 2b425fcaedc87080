package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.bindings.sinter.sinter_pack_args;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code int8_2of4_gemm} of libsinter: 8-bit activations times 8-bit weights of which two of four
 * are kept. Reads 5 bytes where the full weights have 8, and has them to spread: on Zen 4 it took
 * 0.65 of the time of the full ones for one row, as long for four, and up to 1.4 times as long for
 * more.
 */
final class Int8TwoOfFourGemmNative extends CodesGemm {
  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full, at most two of four that are not zero
   */
  Int8TwoOfFourGemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    super("int8_2of4_gemm", spec, bias, workers, isa, (arena, _, _) -> pack(arena, source));
  }

  private record Packed(
      int n, int k, MemorySegment weights, MemorySegment scales, MemorySegment sums)
      implements KernelWeights {
    @Override
    public MemorySegment arguments(Arena arena) {
      return BlockList.codesArguments(arena, n, k, weights, scales, sums);
    }

    @Override
    public int[] strips() {
      return PanelMatmul.strips(Math.ceilDiv(n, SINTER_GEMM_PANEL()));
    }

    @Override
    public long bytes() {
      return weights.byteSize() + scales.byteSize() + sums.byteSize();
    }
  }

  private static Packed pack(Arena arena, Quantized source) {
    int n = source.rows();
    int k = source.columns();
    int panels = Math.ceilDiv(n, SINTER_GEMM_PANEL());
    long panelBytes = (long) Math.ceilDiv(k, SINTER_GEMM_BLOCK_K()) * SINTER_2OF4_BLOCK();
    MemorySegment weights = LargeMemory.allocate(arena, panelBytes * panels);
    MemorySegment sums = arena.allocate(ValueLayout.JAVA_INT, (long) SINTER_GEMM_PANEL() * panels);
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment args = sinter_pack_args.allocate(scratch);
      sinter_pack_args.codes(args, PackedCodes.bytewise(source, scratch));
      sinter_pack_args.stride(args, k);
      sinter_pack_args.n(args, n);
      sinter_pack_args.k(args, k);
      sinter_pack_args.panel_end(args, panels);
      sinter_pack_args.w(args, weights);
      sinter_pack_args.w_sums(args, sums);
      check("sinter_int8_2of4_pack_scalar", sinter_int8_2of4_pack_scalar(args));
    }
    return new Packed(n, k, weights, BlockList.scales(arena, source, false), sums);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int8_2of4_gemm_scalar(args);
      case AVX2 -> sinter_int8_2of4_gemm_avx2(args);
      case AVXVNNI -> sinter_int8_2of4_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int8_2of4_gemm_avx512vnni(args);
    };
  }
}
