package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/**
 * {@code weight_only_bf16_gemm} of libsinter: bfloat16 activations times 4-bit or 8-bit weights.
 * With AVX512-BF16 subnormal activations and sums count as 0.
 */
final class WeightOnlyBf16GemmNative extends WeightOnlyGemm {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512, Isa.AVX512BF16);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  WeightOnlyBf16GemmNative(
      MatmulSpec spec, CodesGemm.Packer packer, float[] bias, int workers, Isa isa) {
    super(spec, "weight_only_bf16_gemm", packer, bias, workers, isa);
  }

  @Override
  int call(MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_weight_only_bf16_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_weight_only_bf16_gemm_avx2(args);
      case AVX512, AVX512VNNI -> sinter_weight_only_bf16_gemm_avx512(args);
      case AVX512BF16 -> sinter_weight_only_bf16_gemm_avx512bf16(args);
    };
  }
}
