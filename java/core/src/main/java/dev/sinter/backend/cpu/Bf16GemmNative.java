package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Function;

/**
 * {@code bf16_gemm} of libsinter: bfloat16 activations times bfloat16 weights. With AVX512-BF16
 * subnormal numbers count as 0, also beside infinity.
 */
final class Bf16GemmNative extends FloatsGemm {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512, Isa.AVX512BF16);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Bf16GemmNative(
      MatmulSpec spec, Function<Arena, KernelWeights> packer, float[] bias, int workers, Isa isa) {
    super("bf16_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_bf16_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_bf16_gemm_avx2(args);
      case AVX512, AVX512VNNI -> sinter_bf16_gemm_avx512(args);
      case AVX512BF16 -> sinter_bf16_gemm_avx512bf16(args);
    };
  }
}
