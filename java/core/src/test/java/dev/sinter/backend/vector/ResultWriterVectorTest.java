package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ResultWriterVectorTest {
  private final ReferenceBackend reference = new ReferenceBackend();
  private final TestRandom random = new TestRandom();

  /** With K = 1 and a weight of 1, the result is the activation of x. */
  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"GELU_ERF", "GELU_TANH", "SILU"})
  void overTheWholeRange(Activation activation) {
    try (Arena arena = Arena.ofConfined()) {
      overTheWholeRange(activation, arena);
    }
  }

  private void overTheWholeRange(Activation activation, Arena arena) {
    Dense one = new Dense("w", 1, 1, DType.F32, arena.allocateFrom(JAVA_FLOAT, 1));
    Epilogue epilogue = new Epilogue(false, activation, false);
    MatmulSpec spec = MatmulSpec.of(one, ActivationScheme.FLOAT, epilogue);
    int m = 1 << 12;
    MemorySegment x = arena.allocate(4L * m, 64);
    MemorySegment y = arena.allocate(4L * m, 64);
    MemorySegment expected = arena.allocate(4L * m, 64);
    double worst = 0;
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulKernel kernel = backend.matmul(spec, one, null)) {
        for (int block = 0; block < 40; block++) {
          for (int i = 0; i < m; i++) {
            x.setAtIndex(JAVA_FLOAT, i, block < 30 ? random.uniform(-14, 14) : random.anyFinite());
          }
          float[] special = {0, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
          MemorySegment.copy(special, 0, x, JAVA_FLOAT, 0, special.length);
          MatmulCases.runAll(kernel, m, ActivationBuffer.floats(x, m, 1), y);
          MatmulReference judge = reference.matmul(spec, one, null);
          MatmulCases.runAll(judge, m, ActivationBuffer.floats(x, m, 1), expected);
          for (int i = 0; i < m; i++) {
            float v = x.getAtIndex(JAVA_FLOAT, i);
            float want = expected.getAtIndex(JAVA_FLOAT, i);
            float found = y.getAtIndex(JAVA_FLOAT, i);
            if (!Float.isFinite(want)) {
              assertEquals(want, found, activation + " of " + v + " " + random);
              continue;
            }
            double error = Math.abs((double) found - want) - Tolerance.rounding(want);
            worst = Math.max(worst, error / Math.max(1, Math.abs(v)));
          }
        }
      }
    }
    assertTrue(
        worst < MatmulCases.error(activation),
        activation + ": " + worst / Tolerance.UNIT + " units " + random);
  }
}
