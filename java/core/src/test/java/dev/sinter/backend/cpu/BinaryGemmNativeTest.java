package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.NativeBuild;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Java side; the kernel's integers are compared bit for bit in native/test/gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class BinaryGemmNativeTest {
  private static final List<CodeFormat> FORMATS =
      List.of(
          new CodeFormat(Code.BINARY, Granularity.TENSOR, 0, false),
          new CodeFormat(Code.BINARY, Granularity.CHANNEL, 0, false),
          CodeFormat.inGroups(Code.BINARY, 32),
          CodeFormat.inGroups(Code.BINARY, 128),
          CodeFormat.inGroups(Code.BINARY, 160));

  private final CodesGemmCheck check =
      new CodesGemmCheck(CodesGemm.COMPILED, BinaryGemmNative::new);

  @AfterEach
  void free() {
    check.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "129,16", "384,49", "1000,18"})
  void agreesWithTheReference(int k, int n) {
    for (CodeFormat format : FORMATS) {
      Quantized weights = check.quantized(k, n, format);
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        check.compare(weights, activations, check.anyEpilogue());
      }
    }
  }

  @Test
  void extremeCodesSumExactly() {
    for (CodeFormat format : FORMATS) {
      for (int code : new int[] {-1, 1}) {
        Quantized weights = check.quantized(1000, 17, format, () -> code);
        for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
          check.compare(weights, activations, Epilogue.NONE);
        }
      }
    }
  }

  @Test
  void scalesThatF16HoldsTakeHalfTheRoomAndNoOthersDo() {
    check.packsScalesInF16WhereItHoldsThem(CodeFormat.inGroups(Code.BINARY, 32), 96);
  }

  @Test
  void aRowDependsOnItselfAlone() {
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, FORMATS.get(3)), activations);
    }
  }

  @Test
  void theBackendTakesItAndSaysWhyNotForOthers() {
    Quantized weights = check.quantized(40, 20, FORMATS.get(2));
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertTrue(spec.toString().contains("weights BINARY in groups of 32, "), spec.toString());
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      String best = Isa.best(check.isas(), CodesGemm.COMPILED).text();
      assertEquals("sinter_binary_gemm_" + best, kernel.implementation());
      String reason =
          backend.supports(MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE)).reason();
      assertTrue(reason.contains("not BINARY in groups of 32 with FLOAT"), reason);
      for (int more : new int[] {0, 1}) {
        int k = BinaryGemmNative.MAX_K + more;
        MatmulSpec longest =
            new MatmulSpec(k, 8, null, spec.codes(), spec.activations(), Epilogue.NONE);
        assertEquals(more == 0, backend.supports(longest).supported());
      }
      assertFalse(spec.int4() || spec.int8());
      Quantized int4 = check.quantized(40, 20, CodeFormat.inGroups(4, 32));
      assertThrows(IllegalArgumentException.class, () -> backend.matmul(spec, int4, null));
    }
  }
}
