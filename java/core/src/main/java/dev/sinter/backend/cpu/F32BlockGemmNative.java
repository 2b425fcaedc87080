package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Dense;
import java.lang.foreign.MemorySegment;

/**
 * {@code f32_block_gemm} of libsinter: f32 activations times f32 weights, blocks of zeros left out.
 */
final class F32BlockGemmNative extends FloatsGemm {
  /** Largest K whose blocks have 16-bit indices. */
  static final int MAX_K = SINTER_BLOCK_MAX_K();

  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full; which blocks are zeros is seen from them
   */
  F32BlockGemmNative(MatmulSpec spec, Dense source, float[] bias, int workers, Isa isa) {
    super("f32_block_gemm", spec, bias, workers, isa, arena -> BlockList.of(arena, source));
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_f32_block_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_f32_block_gemm_avx2(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_f32_block_gemm_avx512(args);
    };
  }
}
