package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.MemorySegment;

/**
 * {@code ternary_gemm} of libsinter: 8-bit activations times weights of -1, 0 and 1, in groups or
 * not.
 */
final class TernaryGemmNative extends CodesGemm {
  /** Largest K whose sums of single planes fit an int32, as sinter.h bounds it. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 32);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  TernaryGemmNative(MatmulSpec spec, Packer packer, float[] bias, int workers, Isa isa) {
    super("ternary_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_ternary_gemm_scalar(args);
      case AVX2 -> sinter_ternary_gemm_avx2(args);
      case AVXVNNI -> sinter_ternary_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_ternary_gemm_avx512vnni(args);
    };
  }
}
