package dev.sinter.bench.peers;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.bench.Peer;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OnnxRuntimePeerTest {
  private static final int THREADS = 2;

  private final TestRandom random = new TestRandom();

  static List<Peer.Variant> variants() {
    return new OnnxRuntimePeer().layers();
  }

  @Test
  void isFound() {
    assertEquals("onnxruntime", Peer.all().getFirst().name());
  }

  /** The expectation knows the peer's arithmetic: it holds, and a wrong result would be seen. */
  @ParameterizedTest
  @MethodSource("variants")
  void everyLayerDoesWhatIsExpected(Peer.Variant variant) {
    int k = 384;
    int n = 70;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment weights = arena.allocate(4L * n * k, 64);
      random.fill(weights, 0.05f);
      Peer.Matrix matrix = new OnnxRuntimePeer().matrix(variant, weights, k, n);
      try (Peer.Layer layer = matrix.open(THREADS)) {
        for (int m : new int[] {1, 5, 33}) {
          MemorySegment x = arena.allocate(4L * m * k, 64);
          MemorySegment y = arena.allocate(4L * m * n, 64);
          random.fill(x, 1);
          y.fill((byte) -1);
          layer.bind(x, m, y);
          layer.run();
          Peer.Expectation expected = layer.expectation();
          for (int row = 0; row < m; row++) {
            for (int column = 0; column < n; column++) {
              double want = expected.value(row, column);
              double bound = expected.bound(row, column);
              double got = y.getAtIndex(JAVA_FLOAT, (long) row * n + column);
              assertTrue(
                  Math.abs(got - want) <= bound,
                  variant
                      + " at "
                      + row
                      + ","
                      + column
                      + ": "
                      + got
                      + ", expected "
                      + want
                      + " +- "
                      + bound
                      + " "
                      + random);
              assertTrue(bound < 0.05, variant + ": a bound of " + bound + " proves little");
            }
          }
        }
      }
    }
  }

  @Test
  void oneProcessHasOneNumberOfThreads() {
    OnnxRuntimePeer.environment(THREADS);
    assertThrows(IllegalStateException.class, () -> OnnxRuntimePeer.environment(THREADS + 1));
  }
}
