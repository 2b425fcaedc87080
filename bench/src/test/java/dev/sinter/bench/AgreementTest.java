package dev.sinter.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.layer.Linear;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** That a wrong result would be seen. */
class AgreementTest {
  private static final int K = 129;
  private static final int N = 70;
  private static final int M = 5;

  @ParameterizedTest
  @MethodSource("schemes")
  void seesAResultThatIsALittleOff(Scheme scheme) {
    try (Arena arena = Arena.ofShared();
        Sinter sinter = Sinter.open(new SinterOptions(1, null, null))) {
      Dense weights = Data.weights(N, K, arena);
      MemorySegment x = Data.activations(M, K, arena);
      MemorySegment y = Data.floats(M, N, arena);
      try (Linear linear =
              Linear.of(
                  sinter,
                  Compression.of(scheme, weights, arena),
                  (float[]) null,
                  scheme.activations());
          Agreement agreement = new Agreement(scheme, weights)) {
        linear.forward(x, M, y);
        assertNull(agreement.disagreement(x, M, y));
        // The last output of the last row, which is always looked at.
        long last = (long) M * N - 1;
        float right = y.getAtIndex(JAVA_FLOAT, last);
        for (float wrong : new float[] {right + 1e-3f, right - 1e-3f, Float.NaN}) {
          y.setAtIndex(JAVA_FLOAT, last, wrong);
          String found = agreement.disagreement(x, M, y);
          assertTrue(found != null && found.contains("row 4, output 69"), found);
        }
      }
    }
  }

  private static List<Scheme> schemes() {
    return Stream.concat(Scheme.DEFAULTS.stream(), Stream.of(Scheme.W4A8.withGroup(32))).toList();
  }

  @Test
  void looksAtBothEnds() {
    assertArrayEquals(new int[] {0}, Agreement.spread(1, 4));
    assertArrayEquals(new int[] {0, 1, 2}, Agreement.spread(3, 4));
    assertArrayEquals(new int[] {0, 33, 66, 99}, Agreement.spread(100, 4));
  }
}
