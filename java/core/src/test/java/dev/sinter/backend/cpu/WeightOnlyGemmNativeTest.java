package dev.sinter.backend.cpu;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.testing.NativeBuild;
import org.junit.jupiter.api.condition.DisabledIf;

/** The Java side; the kernel is compared bit for bit in native/test/weight_only_gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class WeightOnlyGemmNativeTest extends WeightOnlyGemmCases {
  WeightOnlyGemmNativeTest() {
    super(
        "weight_only_gemm",
        ActivationScheme.FLOAT,
        WeightOnlyGemmNative.COMPILED,
        WeightOnlyGemmNative::new);
  }
}
