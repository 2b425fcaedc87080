package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.MemorySegment;

/** {@code int4_gemm} of libsinter: 8-bit activations times 4-bit weights, in groups or not. */
final class Int4GemmNative extends CodesGemm {
  /** Largest K whose sums of (q - z) * (u - c), at most 255 * 15 each, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 15);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Int4GemmNative(MatmulSpec spec, Packer packer, float[] bias, int workers, Isa isa) {
    super("int4_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int4_gemm_scalar(args);
      case AVX2 -> sinter_int4_gemm_avx2(args);
      case AVXVNNI -> sinter_int4_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int4_gemm_avx512vnni(args);
    };
  }
}
