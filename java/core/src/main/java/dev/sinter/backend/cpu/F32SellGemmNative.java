package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Mask;
import java.lang.foreign.MemorySegment;

/**
 * {@code f32_sell_gemm} of libsinter: f32 activations times f32 weights of which any may be zeros,
 * and are left out. The columns of a panel are as long as its longest.
 */
final class F32SellGemmNative extends FloatsGemm {
  /** Largest K whose weights have 16-bit places. */
  static final int MAX_K = SINTER_SELL_MAX_K();

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full; which are zeros is seen from them
   */
  F32SellGemmNative(MatmulSpec spec, Dense source, float[] bias, int workers, Isa isa) {
    super(
        "f32_sell_gemm", spec, bias, workers, isa, arena -> BlockList.unstructured(arena, source));
  }

  /** The share of weights that are packed, those that fill up panels among them. */
  static double density(Mask mask) {
    long steps = 0;
    for (int row = 0; row < mask.rows(); row += BlockList.ROWS) {
      int longest = 0;
      for (int r = row; r < Math.min(mask.rows(), row + BlockList.ROWS); r++) {
        longest = Math.max(longest, mask.count(r));
      }
      steps += longest;
    }
    long panels = Math.ceilDiv(mask.rows(), BlockList.ROWS);
    return (double) steps / ((double) panels * mask.columns());
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_f32_sell_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_f32_sell_gemm_avx2(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_f32_sell_gemm_avx512(args);
    };
  }
}
