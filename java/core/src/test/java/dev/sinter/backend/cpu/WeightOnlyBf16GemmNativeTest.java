package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
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

/**
 * The Java side; the kernel is compared bit for bit in native/test/weight_only_bf16_gemm_test.cpp.
 */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class WeightOnlyBf16GemmNativeTest {
  private static final ActivationScheme BF16 = ActivationScheme.BF16;

  private static final List<CodeFormat> FORMATS =
      List.of(
          CodeFormat.perChannel(8),
          CodeFormat.inGroups(8, 64),
          new CodeFormat(8, Granularity.TENSOR, 0, false),
          CodeFormat.perChannel(4),
          CodeFormat.inGroups(4, 32),
          new CodeFormat(4, Granularity.GROUP, 128, true),
          new CodeFormat(4, Granularity.CHANNEL, 0, true));

  private final CodesGemmCheck check =
      new CodesGemmCheck(
          WeightOnlyBf16GemmNative.COMPILED, CodesGemmCheck.packing(WeightOnlyBf16GemmNative::new));

  @AfterEach
  void free() {
    check.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "384,49", "1000,18"})
  void agreesWithTheReference(int k, int n) {
    for (CodeFormat format : FORMATS) {
      check.compare(check.quantized(k, n, format), BF16, check.anyEpilogue());
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (CodeFormat format : FORMATS) {
      check.compareGates(format, BF16);
    }
  }

  @Test
  void everyEpilogue() {
    Quantized weights = check.quantized(100, 200, CodeFormat.inGroups(4, 32));
    for (Epilogue epilogue : CodesGemmCheck.EPILOGUES) {
      check.compare(weights, BF16, epilogue);
    }
  }

  @Test
  void extremeCodes() {
    for (CodeFormat format : FORMATS) {
      for (int code : new int[] {-format.maxCode() - 1, format.maxCode()}) {
        check.compare(check.quantized(200, 17, format, () -> code), BF16, Epilogue.NONE);
      }
    }
  }

  @Test
  void aRowDependsOnItselfAlone() {
    for (CodeFormat format : FORMATS) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, format), BF16);
    }
  }

  @Test
  void theBackendTakesItForCodesWithBf16AndNoSumsAreKept() {
    for (CodeFormat format : FORMATS) {
      Quantized weights = check.quantized(40, 32, format);
      MatmulSpec spec = MatmulSpec.of(weights, BF16, Epilogue.NONE);
      try (CpuBackend backend = new CpuBackend(1, null);
          MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        assertTrue(backend.supports(spec).supported(), spec.toString());
        String best = Isa.best(check.isas(), WeightOnlyBf16GemmNative.COMPILED).text();
        assertEquals("sinter_weight_only_bf16_gemm_" + best, kernel.implementation());
        int scales = 32 * format.groups(40);
        int perScale = 4 + (format.zeroPoints() ? 1 : 0);
        assertEquals(32 * 64 * format.bits() / 8 + scales * perScale, kernel.bytes(), "" + format);
      }
    }
  }
}
