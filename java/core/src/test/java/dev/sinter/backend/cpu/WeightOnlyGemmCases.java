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
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests of the kernels for 4-bit and 8-bit weights with activations that are no codes. */
abstract class WeightOnlyGemmCases {
  private static final List<CodeFormat> FORMATS =
      List.of(
          CodeFormat.perChannel(8),
          CodeFormat.inGroups(8, 64),
          new CodeFormat(8, Granularity.TENSOR, 0, false),
          CodeFormat.perChannel(4),
          CodeFormat.inGroups(4, 32),
          new CodeFormat(4, Granularity.GROUP, 128, true),
          new CodeFormat(4, Granularity.CHANNEL, 0, true));

  private final String operation;
  private final ActivationScheme activations;
  private final Set<Isa> compiled;
  private final CodesGemmCheck check;

  WeightOnlyGemmCases(
      String operation,
      ActivationScheme activations,
      Set<Isa> compiled,
      CodesGemmCheck.PackingMaker maker) {
    this.operation = operation;
    this.activations = activations;
    this.compiled = compiled;
    check = new CodesGemmCheck(compiled, CodesGemmCheck.packing(maker));
  }

  @AfterEach
  void free() {
    check.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "384,49", "1000,18"})
  void agreesWithTheReference(int k, int n) {
    for (CodeFormat format : FORMATS) {
      check.compare(check.quantized(k, n, format), activations, check.anyEpilogue());
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (CodeFormat format : FORMATS) {
      check.compareGates(format, activations);
    }
  }

  @Test
  void everyEpilogue() {
    Quantized weights = check.quantized(100, 200, CodeFormat.inGroups(4, 32));
    for (Epilogue epilogue : CodesGemmCheck.EPILOGUES) {
      check.compare(weights, activations, epilogue);
    }
  }

  @Test
  void extremeCodes() {
    for (CodeFormat format : FORMATS) {
      for (int code : new int[] {-format.maxCode() - 1, format.maxCode()}) {
        check.compare(check.quantized(200, 17, format, () -> code), activations, Epilogue.NONE);
      }
    }
  }

  @Test
  void aRowDependsOnItselfAlone() {
    for (CodeFormat format : FORMATS) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, format), activations);
    }
  }

  @Test
  void theBackendTakesItAndNoSumsAreKept() {
    for (CodeFormat format : FORMATS) {
      Quantized weights = check.quantized(40, 32, format);
      MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
      try (CpuBackend backend = new CpuBackend(1, null);
          MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        assertTrue(backend.supports(spec).supported(), spec.toString());
        String best = Isa.best(check.isas(), compiled).text();
        assertEquals("sinter_" + operation + "_" + best, kernel.implementation());
        int scales = 32 * format.groups(40);
        int perScale = 4 + (format.zeroPoints() ? 1 : 0);
        assertEquals(32 * 64 * format.bits() / 8 + scales * perScale, kernel.bytes(), "" + format);
      }
    }
  }
}
