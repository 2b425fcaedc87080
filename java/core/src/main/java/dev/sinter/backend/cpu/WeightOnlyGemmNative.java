package dev.sinter.backend.cpu;

import static dev.sinter.bindings.sinter.sinter_h.*;

import dev.sinter.backend.MatmulSpec;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** {@code weight_only_gemm} of libsinter: f32 activations times 4-bit or 8-bit weights. */
final class WeightOnlyGemmNative extends WeightOnlyGemm {
  static final Set<Isa> COMPILED = EnumSet.of(Isa.SCALAR, Isa.AVX2, Isa.AVX512, Isa.AVX512VNNI);

  /** libsinter must be loaded, and the CPU must have the instruction set. */
  WeightOnlyGemmNative(
      MatmulSpec spec, CodesGemm.Packer packer, float[] bias, int workers, Isa isa) {
    super(spec, "weight_only_gemm", packer, bias, workers, isa);
  }

  /** 4-bit weights: the kernel splits a row once for the panels of a call. */
  @Override
  boolean panelsFirst() {
    return spec.int4();
  }

  @Override
  int call(MemorySegment args) {
    return switch (isa) {
      case SCALAR -> sinter_weight_only_gemm_scalar(args);
      case AVX2, AVXVNNI -> sinter_weight_only_gemm_avx2(args);
      case AVX512 -> sinter_weight_only_gemm_avx512(args);
      case AVX512VNNI, AVX512BF16 -> sinter_weight_only_gemm_avx512vnni(args);
    };
  }
}
