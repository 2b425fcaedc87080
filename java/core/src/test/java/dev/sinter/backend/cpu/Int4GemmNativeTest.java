package dev.sinter.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.NativeBuild;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Java side; the kernel's integers are compared bit for bit in native/test/gemm_test.cpp. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class Int4GemmNativeTest {
  private static final ActivationScheme U8 = ActivationScheme.U8_PER_TOKEN;

  private final CodesGemmCheck check =
      new CodesGemmCheck(Int4GemmNative.COMPILED, CodesGemmCheck.packing(Int4GemmNative::new));

  @AfterEach
  void free() {
    check.close();
  }

  /** With and without zero points. */
  private static List<CodeFormat> formats(int... groups) {
    List<CodeFormat> formats = new ArrayList<>();
    for (boolean zeroPoints : new boolean[] {false, true}) {
      formats.add(new CodeFormat(4, Granularity.CHANNEL, 0, zeroPoints));
      for (int group : groups) {
        formats.add(new CodeFormat(4, Granularity.GROUP, group, zeroPoints));
      }
    }
    return formats;
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "384,49", "1000,18"})
  void agreesWithTheReference(int k, int n) {
    for (CodeFormat format : formats(32, 64, 128, 160)) {
      Quantized weights = check.quantized(k, n, format);
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        check.compare(weights, activations, check.anyEpilogue());
      }
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (CodeFormat format : formats(32, 128)) {
      check.compareGates(format, U8);
      check.compareGates(format, ActivationScheme.S8_PER_GROUP_32);
    }
  }

  /** Groups of weights that are as wide, wider, narrower, or none. */
  @ParameterizedTest
  @CsvSource({"31,17", "127,15", "300,33"})
  void agreesWithTheReferenceForActivationsInGroups(int k, int n) {
    for (CodeFormat format : formats(32, 64, 128, 256)) {
      Quantized weights = check.quantized(k, n, format);
      for (ActivationScheme activations : CodesGemmCheck.GROUPED) {
        check.compare(weights, activations, check.anyEpilogue());
      }
    }
  }

  @Test
  void groupsThatDoNotDivideOneAnotherAreRefused() {
    Quantized weights = check.quantized(384, 16, CodeFormat.inGroups(4, 160));
    try (CpuBackend backend = new CpuBackend(1, null)) {
      MatmulSpec good = MatmulSpec.of(weights, ActivationScheme.S8_PER_GROUP_32, Epilogue.NONE);
      assertTrue(backend.supports(good).supported());
      MatmulSpec bad = MatmulSpec.of(weights, ActivationScheme.S8_PER_GROUP_128, Epilogue.NONE);
      String reason = backend.supports(bad).reason();
      assertTrue(reason.contains("divide"), reason);
      Quantized bytes = check.quantized(384, 16, CodeFormat.perChannel(8));
      MatmulSpec int8 = MatmulSpec.of(bytes, ActivationScheme.U8_PER_GROUP_128, Epilogue.NONE);
      assertFalse(backend.supports(int8).supported());
    }
  }

  @Test
  void everyEpilogueInGroups() {
    Quantized weights = check.quantized(100, 200, CodeFormat.inGroups(4, 32));
    for (Epilogue epilogue : CodesGemmCheck.EPILOGUES) {
      check.compare(weights, U8, epilogue);
    }
  }

  @Test
  void oneScaleForTheMatrix() {
    CodeFormat format = new CodeFormat(4, Granularity.TENSOR, 0, true);
    check.compare(check.quantized(65, 20, format), U8, Epilogue.NONE);
  }

  @Test
  void extremeCodesSumExactly() {
    for (CodeFormat format : formats(128)) {
      for (int code : new int[] {-8, 7}) {
        Quantized weights = check.quantized(1000, 17, format, () -> code);
        for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
          check.compare(weights, activations, Epilogue.NONE);
        }
      }
    }
  }

  /** Codes of fewer bits have this layout too. */
  @Test
  void codesOfTwoAndThreeBits() {
    for (int bits : new int[] {2, 3}) {
      int end = 1 << bits - 1;
      Quantized weights =
          check.quantized(
              129, 33, CodeFormat.inGroups(4, 64), () -> check.random.integer(-end, end));
      check.compare(weights, U8, Epilogue.BIAS);
    }
  }

  @Test
  void scalesThatF16HoldsTakeHalfTheRoomAndNoOthersDo() {
    check.packsScalesInF16WhereItHoldsThem(CodeFormat.inGroups(4, 32), 96);
  }

  @Test
  void aRowDependsOnItselfAlone() {
    CodeFormat format = new CodeFormat(4, Granularity.GROUP, 64, true);
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, format), activations);
    }
    for (ActivationScheme activations : CodesGemmCheck.GROUPED) {
      check.aRowDependsOnItselfAlone(check.quantized(200, 230, format), activations);
    }
  }

  @Test
  void sumsByAnotherStepAreRefused() {
    Quantized weights = check.quantized(96, 16, CodeFormat.inGroups(4, 32));
    MatmulSpec spec = MatmulSpec.of(weights, U8, Epilogue.NONE);
    try (MatmulKernel kernel =
            new Int4GemmNative(spec, CodesGemm.packer(spec, weights, null), null, 1, Isa.SCALAR);
        Arena arena = Arena.ofConfined()) {
      assertEquals(32, kernel.sumStep());
      for (int step : new int[] {0, 64}) {
        QuantizeSpec other = new QuantizeSpec(96, U8, true, step);
        ActivationBuffer x = ActivationBuffer.allocate(arena, other, 1, kernel.codeColumns());
        assertThrows(
            IllegalArgumentException.class,
            () -> kernel.run(0, 0, 1, x, arena.allocate(JAVA_FLOAT, 16)));
      }
    }
  }

  @Test
  void theBackendTakesItForFourBitsAndSaysWhyForOthers() {
    Quantized weights = check.quantized(40, 20, CodeFormat.inGroups(4, 32));
    MatmulSpec spec = MatmulSpec.of(weights, U8, Epilogue.NONE);
    assertTrue(spec.toString().contains("weights I4 in groups of 32, "), spec.toString());
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      String best = Isa.best(check.isas(), Int4GemmNative.COMPILED).text();
      assertEquals("sinter_int4_gemm_" + best, kernel.implementation());
      MatmulSpec tooLong =
          new MatmulSpec(
              Int4GemmNative.MAX_K + 1, 8, null, spec.codes(), spec.activations(), Epilogue.NONE);
      assertFalse(backend.supports(tooLong).supported());
      String unsigned = backend.supports(new QuantizeSpec(64, U8, false, 32)).reason();
      assertTrue(unsigned.contains("signed bytes only"), unsigned);
      assertThrows(
          IllegalArgumentException.class,
          () -> backend.matmul(spec, check.quantized(40, 20, CodeFormat.inGroups(4, 64)), null));
    }
  }
}
