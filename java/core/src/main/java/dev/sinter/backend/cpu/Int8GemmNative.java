package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.MemorySegment;

/** {@code int8_gemm} of libsinter: 8-bit activations times 8-bit weights. */
final class Int8GemmNative extends CodesGemm {
  /** Largest K whose sums of (q - z) * w, at most 255 * 128 each, fit an int32. */
  static final int MAX_K = Integer.MAX_VALUE / (255 * 128);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Int8GemmNative(MatmulSpec spec, Packer packer, float[] bias, int workers, Isa isa) {
    super("int8_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_int8_gemm_scalar(args);
      case AVX2 -> sinter_int8_gemm_avx2(args);
      case AVXVNNI -> sinter_int8_gemm_avxvnni(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_int8_gemm_avx512vnni(args);
    };
  }
}
