package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.compress.Quantizer;
import dev.sinter.layer.Linear;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers of each scheme with the vector backend forced, as {@code sinter.backend=vector} does. */
class VectorLinearTest {
  private static final int K = 130;
  private static final int N = 200;
  private static final int M = 150;

  private final TestRandom random = new TestRandom();

  @ParameterizedTest
  @CsvSource({
    "FLOAT,0,MatmulF32Vector",
    "FLOAT,8,MatmulWeightOnlyVector",
    "FLOAT,4,MatmulWeightOnlyVector",
    "U8_PER_TOKEN,8,MatmulInt8Vector",
    "S8_PER_TOKEN,8,MatmulInt8Vector",
    "U8_PER_TOKEN,4,MatmulInt4Vector",
    "S8_PER_TOKEN,4,MatmulInt4Vector"
  })
  void runsOnVectorWithTheSameBitsForAnyNumberOfThreads(
      ActivationScheme activations, int bits, String kernel) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment data = arena.allocate(4L * N * K, 64);
      random.fill(data, 0.05f);
      Dense dense = new Dense("w", N, K, DType.F32, data);
      CompressedTensor weights =
          bits == 0
              ? dense
              : Quantizer.roundToNearest(
                  dense, bits == 8 ? CodeFormat.perChannel(8) : CodeFormat.inGroups(4, 32), arena);
      float[] bias = random.normals(N, 1);
      MemorySegment x = arena.allocate(4L * M * K, 64);
      random.fill(x, 1);
      float[] reference = forward("reference", "", 1, weights, bias, activations, x, M);
      float[] all = forward("vector", kernel, 1, weights, bias, activations, x, M);
      assertArrayEquals(reference, all, 1e-4f, activations + " " + random);
      assertArrayEquals(all, forward("vector", kernel, 3, weights, bias, activations, x, M), 0);
      for (int row : new int[] {0, 63, 64, M - 1}) {
        MemorySegment one = arena.allocate(4L * K, 64).copyFrom(x.asSlice(4L * row * K, 4L * K));
        float[] alone = forward("vector", kernel, 1, weights, bias, activations, one, 1);
        for (int n = 0; n < N; n++) {
          assertEquals(all[row * N + n], alone[n], activations + " row " + row + " " + random);
        }
      }
    }
  }

  private static float[] forward(
      String backend,
      String kernel,
      int threads,
      CompressedTensor weights,
      float[] bias,
      ActivationScheme activations,
      MemorySegment x,
      int m) {
    SinterOptions options =
        SinterOptions.defaults().withThreads(threads).withBackend(backend).withIsa(null);
    try (Arena arena = Arena.ofShared();
        Sinter sinter = Sinter.open(options);
        Linear linear = Linear.of(sinter, weights, bias, activations)) {
      String text = linear.explain();
      assertTrue(text.contains("runs on " + backend + ": " + kernel), text);
      if (backend.equals("vector")) {
        assertTrue(text.contains("not reference: backend vector is forced"), text);
      }
      MemorySegment y = arena.allocate(4L * m * N, 64);
      linear.forward(x, m, y);
      return y.toArray(JAVA_FLOAT);
    }
  }
}
