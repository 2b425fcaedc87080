package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;

/**
 * {@code int4_block_gemm} of libsinter: 8-bit activations, a scale for each row, times 4-bit
 * weights, in groups or not, blocks of zeros left out.
 */
final class Int4BlockGemmNative extends CodesGemm {
  /** Largest K whose sums, 16 times those of (q - z) * w, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 8 * 16);

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full, symmetric; which blocks are zeros is seen from them
   */
  Int4BlockGemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    super(
        "int4_block_gemm", spec, bias, workers, isa, (arena, _, _) -> BlockList.of(arena, source));
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int4_block_gemm_scalar(args);
      case AVX2 -> sinter_int4_block_gemm_avx2(args);
      case AVXVNNI -> sinter_int4_block_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int4_block_gemm_avx512vnni(args);
    };
  }
}
