package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;

/** {@code bf16_weights_gemm} of libsinter: f32 activations times bfloat16 weights, of an even K. */
final class Bf16WeightsGemmNative extends FloatsGemm {
  /** libsinter must be loaded, and the CPU must have the instruction set. */
  Bf16WeightsGemmNative(
      MatmulSpec spec, Function<Arena, KernelWeights> packer, float[] bias, int workers, Isa isa) {
    super("bf16_weights_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_bf16_weights_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_bf16_weights_gemm_avx2(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_bf16_weights_gemm_avx512(args);
    };
  }
}
