package dev.sinter.backend.cpu;

import dev.sinter.tensor.Code;
import dev.sinter.testing.NativeBuild;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class BinaryGemmNativeTest extends FewBitsGemmCases {
  BinaryGemmNativeTest() {
    super(
        Code.BINARY,
        "binary_gemm",
        BinaryGemmNative.MAX_K,
        CodesGemmCheck.packing(BinaryGemmNative::new));
  }
}
