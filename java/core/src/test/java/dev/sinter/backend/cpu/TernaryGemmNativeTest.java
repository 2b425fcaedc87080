package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.NativeBuild;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class TernaryGemmNativeTest extends FewBitsGemmCases {
  TernaryGemmNativeTest() {
    super(
        Code.TERNARY,
        "ternary_gemm",
        TernaryGemmNative.MAX_K,
        CodesGemmCheck.packing(TernaryGemmNative::new));
  }

  @Test
  void bitsThatAreNoCodeAreRefused() {
    Quantized weights =
        check.quantized(8, 1, new CodeFormat(Code.TERNARY, Granularity.CHANNEL, 0, false));
    weights.codes().set(ValueLayout.JAVA_BYTE, 1, (byte) 0b10_00_00_00);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () ->
                    new TernaryGemmNative(
                        spec, CodesGemm.packer(spec, weights, null), null, 1, Isa.SCALAR))
            .getMessage();
    assertEquals("code 7 of a row is -2, which is no code of TERNARY", message);
  }
}
