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
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What ternary and binary kernels are tested for: the Java side; the kernel's integers are compared
 * bit for bit in native/test/gemm_test.cpp.
 */
abstract class FewBitsGemmCases {
  private final Code code;
  private final String operation;
  private final int maxK;
  private final List<CodeFormat> formats;
  final CodesGemmCheck check;

  /**
   * @param operation as in {@code sinter_<operation>_<isa>}
   */
  FewBitsGemmCases(Code code, String operation, int maxK, CodesGemmCheck.Maker maker) {
    this.code = code;
    this.operation = operation;
    this.maxK = maxK;
    formats =
        List.of(
            new CodeFormat(code, Granularity.TENSOR, 0, false),
            new CodeFormat(code, Granularity.CHANNEL, 0, false),
            CodeFormat.inGroups(code, 32),
            CodeFormat.inGroups(code, 128),
            CodeFormat.inGroups(code, 160));
    check = new CodesGemmCheck(CodesGemm.COMPILED, maker);
  }

  @AfterEach
  void free() {
    check.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "129,16", "384,49", "1000,18"})
  void agreesWithTheReference(int k, int n) {
    for (CodeFormat format : formats) {
      Quantized weights = check.quantized(k, n, format);
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        check.compare(weights, activations, check.anyEpilogue());
      }
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (CodeFormat format : formats) {
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        check.compareGates(format, activations);
      }
    }
  }

  @Test
  void extremeCodesSumExactly() {
    for (CodeFormat format : formats) {
      for (int extreme : new int[] {-1, 1}) {
        Quantized weights = check.quantized(1000, 17, format, () -> extreme);
        for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
          check.compare(weights, activations, Epilogue.NONE);
        }
      }
    }
  }

  @Test
  void scalesThatF16HoldsTakeHalfTheRoomAndNoOthersDo() {
    check.packsScalesInF16WhereItHoldsThem(CodeFormat.inGroups(code, 32), 96);
  }

  @Test
  void aRowDependsOnItselfAlone() {
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, formats.get(3)), activations);
    }
  }

  @Test
  void theBackendTakesItAndSaysWhyNotForOthers() {
    Quantized weights = check.quantized(40, 20, formats.get(2));
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertTrue(spec.toString().contains("weights " + code + " in groups of 32, "), spec.toString());
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      String best = Isa.best(check.isas(), CodesGemm.COMPILED).text();
      assertEquals("sinter_" + operation + "_" + best, kernel.implementation());
      String reason =
          backend.supports(MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE)).reason();
      assertTrue(reason.contains("not " + code + " in groups of 32 with FLOAT"), reason);
      for (int more : new int[] {0, 1}) {
        int k = maxK + more;
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
