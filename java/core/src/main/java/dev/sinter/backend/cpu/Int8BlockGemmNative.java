package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;

/**
 * {@code int8_block_gemm} of libsinter: 8-bit activations times 8-bit weights, blocks of zeros left
 * out.
 */
final class Int8BlockGemmNative extends CodesGemm {
  /**
   * libsinter must be loaded, and the CPU must have the instruction set.
   *
   * @param source the weights in full; which blocks are zeros is seen from them
   */
  Int8BlockGemmNative(MatmulSpec spec, Quantized source, float[] bias, int workers, Isa isa) {
    super(
        "int8_block_gemm", spec, bias, workers, isa, (arena, _, _) -> BlockList.of(arena, source));
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int8_block_gemm_scalar(args);
      case AVX2 -> sinter_int8_block_gemm_avx2(args);
      case AVXVNNI -> sinter_int8_block_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int8_block_gemm_avx512vnni(args);
    };
  }
}
