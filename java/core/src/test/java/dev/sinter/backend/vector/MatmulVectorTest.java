package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatmulVectorTest {
  private final MatmulCases cases = new MatmulCases();

  @AfterEach
  void free() {
    cases.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "1,17", "2,64", "17,1", "31,15", "63,16", "64,128", "65,33", "127,257", "129,131",
    "384,70", "1025,66", "1537,5"
  })
  void agreesWithTheReference(int k, int n) {
    for (Epilogue epilogue : MatmulCases.EPILOGUES) {
      cases.compare(cases.dense(k, n), ActivationScheme.FLOAT, epilogue);
      for (Granularity granularity : List.of(Granularity.TENSOR, Granularity.CHANNEL)) {
        Quantized weights = cases.quantized(k, n, new CodeFormat(8, granularity, 0, false));
        cases.compare(weights, ActivationScheme.U8_PER_TOKEN, epilogue);
        cases.compare(weights, ActivationScheme.S8_PER_TOKEN, epilogue);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,64", "127,193", "258,33", "600,49"})
  void weightOnlyAgreesWithTheReference(int k, int n) {
    for (CodeFormat format : MatmulCases.WEIGHT_ONLY) {
      int epilogue = cases.random.integer(0, MatmulCases.EPILOGUES.size());
      cases.compare(
          cases.quantized(k, n, format),
          ActivationScheme.FLOAT,
          MatmulCases.EPILOGUES.get(epilogue));
    }
  }

  @Test
  void gatesAgreeWithTheReference() {
    for (int n : new int[] {1, 8, 9, 33, 131}) {
      for (Activation activation : Activation.values()) {
        Epilogue gate = Epilogue.gate(cases.random.integer(0, 2) == 0, activation);
        for (ActivationScheme activations : MatmulCases.SCHEMES) {
          int k = cases.random.integer(1, 300);
          for (CompressedTensor weights : cases.weights(activations, k, 2 * n)) {
            cases.compare(weights, activations, gate);
          }
        }
      }
    }
  }

  @Test
  void nanRowsStayNanAndStayInTheirRow() {
    int k = 40;
    int n = 33;
    int m = 5;
    for (ActivationScheme activations : MatmulCases.SCHEMES) {
      for (Epilogue epilogue : MatmulCases.EPILOGUES) {
        for (CompressedTensor weights : cases.weights(activations, k, n)) {
          MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
          float[] bias = epilogue.bias() ? cases.random.normals(n, 1) : null;
          try (VectorBackend backend = new VectorBackend(1, 0);
              MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
            MemorySegment values = cases.arena.allocate(4L * m * k);
            cases.random.fill(values, 1);
            values.setAtIndex(JAVA_FLOAT, 2 * k + 7, Float.NaN);
            MemorySegment y = cases.arena.allocate(4L * m * n);
            MatmulCases.runAll(kernel, m, cases.input(spec, kernel, values, m, cases.arena), y);
            for (int i = 0; i < m * n; i++) {
              boolean nan = Float.isNaN(y.getAtIndex(JAVA_FLOAT, i));
              assertEquals(i / n == 2, nan, spec + " element " + i);
            }
          }
        }
      }
    }
  }

  @Test
  void heapSegmentsGiveTheSameBits() {
    int k = 130;
    int n = 70;
    int m = 7;
    for (ActivationScheme activations : MatmulCases.SCHEMES) {
      for (CompressedTensor weights : cases.weights(activations, k, n)) {
        MatmulSpec spec =
            MatmulSpec.of(weights, activations, new Epilogue(false, Activation.GELU_ERF, true));
        for (int bits : Widths.ofThisHost()) {
          try (VectorBackend backend = new VectorBackend(1, bits);
              MatmulKernel kernel = backend.matmul(spec, weights, null)) {
            MemorySegment values = cases.arena.allocate(4L * m * k, 64);
            cases.random.fill(values, 1);
            MemorySegment y = cases.arena.allocate(4L * m * n, 64);
            MatmulCases.runAll(kernel, m, cases.input(spec, kernel, values, m, cases.arena), y);
            MemorySegment heapValues = MemorySegment.ofArray(values.toArray(JAVA_FLOAT));
            MemorySegment heapY = MemorySegment.ofArray(new float[m * n]);
            ActivationBuffer x;
            if (activations == ActivationScheme.FLOAT) {
              x = ActivationBuffer.floats(heapValues, m, k);
            } else {
              x =
                  ActivationBuffer.allocate(
                      (size, alignment) -> MemorySegment.ofArray(new byte[(int) size]),
                      MatmulCases.quantize(spec, kernel),
                      m,
                      kernel.codeColumns());
              backend.quantize(MatmulCases.quantize(spec, kernel)).run(heapValues, x, 0, m);
            }
            MatmulCases.runAll(kernel, m, x, heapY);
            assertArrayEquals(
                y.toArray(JAVA_FLOAT), heapY.toArray(JAVA_FLOAT), 0, bits + " " + spec);
          }
        }
      }
    }
  }

  @Test
  void closedKernelsAndWrongInputsAreErrors() {
    for (ActivationScheme activations : MatmulCases.SCHEMES) {
      for (CompressedTensor weights : cases.weights(activations, 20, 10)) {
        MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
        VectorBackend backend = new VectorBackend(1, 0);
        MatmulKernel kernel = backend.matmul(spec, weights, null);
        MemorySegment values = cases.arena.allocate(4L * 2 * 20, 64);
        MemorySegment y = cases.arena.allocate(4L * 2 * 10, 64);
        ActivationBuffer x = cases.input(spec, kernel, values, 2, cases.arena);
        ActivationBuffer other = ActivationBuffer.floats(values, 2, 19);
        assertRefused(() -> kernel.run(0, 0, 3, x, y), "asked for 3 rows");
        assertRefused(() -> kernel.run(0, 0, 0, x, y), "asked for 0 rows");
        assertRefused(() -> kernel.run(0, 0, 2, other, y), "2 rows of 19 FLOAT");
        assertRefused(() -> backend.matmul(spec, cases.dense(20, 11), null), "w of ");
        assertRefused(() -> backend.matmul(spec, weights, new float[10]), "bias must");
        assertRefused(() -> kernel.run(0, 0, 2, x, y.asSlice(4)), "output of 76 bytes");
        assertTrue(kernel.bytes() >= weights.bytes());
        kernel.close();
        kernel.close();
        assertThrows(IllegalStateException.class, () -> kernel.run(0, 0, 2, x, y));
        backend.close();
        backend.close();
      }
    }
  }

  @Test
  void refusesOtherPrecisions() {
    VectorBackend backend = new VectorBackend(1, 0);
    MatmulSpec bf16 = new MatmulSpec(8, 8, DType.BF16, null, ActivationScheme.FLOAT, Epilogue.NONE);
    MatmulSpec ternary =
        new MatmulSpec(
            64,
            8,
            null,
            CodeFormat.inGroups(Code.TERNARY, 32),
            ActivationScheme.FLOAT,
            Epilogue.NONE);
    assertFalse(backend.supports(bf16).supported());
    assertFalse(backend.supports(ternary).supported());
    MatmulSpec groupsOf8Bits =
        new MatmulSpec(
            64, 8, null, CodeFormat.inGroups(8, 32), ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertFalse(backend.supports(groupsOf8Bits).supported());
    assertRefused(() -> backend.matmul(bf16, null, null), "not for BF16 with FLOAT");
  }

  private static void assertRefused(Runnable call, String part) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
