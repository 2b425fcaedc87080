package dev.sinter.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
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

/** The Java side; the kernel's integers are compared bit for bit in native/test/gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class Int8GemmNativeTest {
  private static final CodeFormat INT8 = CodeFormat.perChannel(8);

  private final CodesGemmCheck check =
      new CodesGemmCheck(Int8GemmNative.COMPILED, CodesGemmCheck.packing(Int8GemmNative::new));

  @AfterEach
  void free() {
    check.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "129,16", "384,385"})
  void agreesWithTheReference(int k, int n) {
    for (Granularity granularity : List.of(Granularity.TENSOR, Granularity.CHANNEL)) {
      Quantized weights = check.quantized(k, n, new CodeFormat(8, granularity, 0, false));
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        for (Epilogue epilogue : CodesGemmCheck.EPILOGUES) {
          check.compare(weights, activations, epilogue);
        }
      }
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      check.compareGates(INT8, activations);
    }
  }

  @Test
  void extremeCodesSumExactly() {
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      for (int code : new int[] {-128, 127}) {
        check.compare(check.quantized(1000, 33, INT8, () -> code), activations, Epilogue.NONE);
      }
    }
  }

  @Test
  void aRowDependsOnItselfAlone() {
    check.aRowDependsOnItselfAlone(check.quantized(200, 230, INT8), ActivationScheme.U8_PER_TOKEN);
  }

  @Test
  void theBackendTakesItForEightBitsAndSaysWhyForOthers() {
    Quantized weights = check.quantized(40, 20, INT8);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      String best = Isa.best(check.isas(), Int8GemmNative.COMPILED).text();
      assertEquals("sinter_int8_gemm_" + best, kernel.implementation());
      String reason = backend.supports(spec(64, CodeFormat.inGroups(8, 32))).reason();
      assertTrue(reason.contains("not I8 in groups of 32 with "), reason);
      for (MatmulSpec refused :
          List.of(spec(Int8GemmNative.MAX_K + 1, INT8), spec(64, CodeFormat.inGroups(8, 32)))) {
        assertFalse(backend.supports(refused).supported(), refused.toString());
      }
      assertThrows(
          IllegalArgumentException.class, () -> backend.matmul(spec, weights, new float[20]));
    }
  }

  private static MatmulSpec spec(int k, CodeFormat format) {
    return new MatmulSpec(k, 8, null, format, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
  }
}
