package dev.sinter.backend.cpu;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.testing.NativeBuild;
import org.junit.jupiter.api.condition.DisabledIf;

/**
 * The Java side; the kernel is compared bit for bit in native/test/weight_only_bf16_gemm_test.cpp.
 */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class WeightOnlyBf16GemmNativeTest extends WeightOnlyGemmCases {
  WeightOnlyBf16GemmNativeTest() {
    super(
        "weight_only_bf16_gemm",
        ActivationScheme.BF16,
        WeightOnlyBf16GemmNative.COMPILED,
        WeightOnlyBf16GemmNative::new);
  }
}
