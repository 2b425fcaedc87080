package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;

/** {@code f32_gemm} of libsinter: f32 activations times f32 weights. */
final class F32GemmNative extends FloatsGemm {
  /** libsinter must be loaded, and the CPU must have the instruction set. */
  F32GemmNative(
      MatmulSpec spec, Function<Arena, KernelWeights> packer, float[] bias, int workers, Isa isa) {
    super("f32_gemm", spec, bias, workers, isa, packer);
  }

  @Override
  int call(Isa isa, MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_f32_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_f32_gemm_avx2(args);
      case AVX512, AVX512VNNI, AVX512BF16 -> sinter_f32_gemm_avx512(args);
    };
  }
}
