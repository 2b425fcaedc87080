package dev.sinter.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Planner;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparse layers, whether they run so or are kept as dense ones. */
class SparseLinearTest {
  private static final int N = 50;
  private static final int K = 100;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({
    "2:4, FLOAT, 0, 0",
    "16x4, FLOAT, 0, 0",
    "unstructured, FLOAT, 0, 0",
    "2:4, U8_PER_TOKEN, 8, 0",
    "8x4, S8_PER_TOKEN, 4, 32",
    "unstructured, FLOAT, 8, 0"
  })
  void theNumbersAreThoseOfTheFullWeights(
      String id, ActivationScheme activations, int bits, int group) {
    Sparsity sparsity = Sparsity.of(id);
    Dense dense = twoOfFour();
    CodeFormat format = group == 0 ? CodeFormat.perChannel(8) : CodeFormat.inGroups(4, 32);
    FullTensor full = bits == 0 ? dense : Quantizer.roundToNearest(dense, format, arena);
    Sparse sparse = new Sparse(sparsity, full);
    for (String backend : new String[] {null, "reference"}) {
      SinterOptions options = SinterOptions.defaults().withThreads(1).withBackend(backend);
      int m = 3;
      MemorySegment x = arena.allocate(4L * m * K, 64);
      random.fill(x, 1);
      MemorySegment expected = arena.allocate(4L * m * N, 64);
      MemorySegment y = arena.allocate(4L * m * N, 64);
      try (Sinter sinter = Sinter.open(options);
          Linear one = Linear.of(sinter, full, (float[]) null, activations);
          Linear other = Linear.of(sinter, sparse, (float[]) null, activations)) {
        String type = MatmulSpec.of(full, activations, Epilogue.NONE).weightType();
        String kept = type + " " + sparsity + " kept as dense " + type + ": ";
        boolean dropped = other.spec().sparsity() == null;
        assertEquals(dropped, other.explain().contains(kept), other.explain());
        assertTrue(backend == null || !dropped, other.explain());
        one.forward(x, m, expected);
        other.forward(x, m, y);
      }
      for (int i = 0; i < m * N; i++) {
        float wanted = expected.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        // Sums of 100 products of normal numbers, which other kernels may add in another order.
        double bound = backend == null ? 1e-4 : 0;
        assertEquals(
            wanted, y.getAtIndex(ValueLayout.JAVA_FLOAT, i), bound, i + " " + id + " " + random);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"2:4", "16x4", "unstructured"})
  void allZerosGiveTheBias(String id) {
    Dense zeros = new Dense("w", N, K, DType.F32, arena.allocate(4L * N * K, 64));
    Sparse dense = new Sparse(Sparsity.of(id), zeros);
    Sparse codes = Quantizer.roundToNearest(dense, CodeFormat.inGroups(4, 32), arena);
    float[] bias = random.normals(N, 1);
    MemorySegment x = arena.allocate(4L * K, 64);
    random.fill(x, 1);
    MemorySegment y = arena.allocate(4L * N, 64);
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1));
        Linear floats = Linear.of(sinter, dense, bias, ActivationScheme.FLOAT);
        Linear four = Linear.of(sinter, codes, bias, ActivationScheme.U8_PER_TOKEN)) {
      for (Linear linear : List.of(floats, four)) {
        linear.forward(x, 1, y.fill((byte) -1));
        assertArrayEquals(bias, y.toArray(ValueLayout.JAVA_FLOAT), linear.explain());
      }
    }
  }

  /** Whoever takes sparse weights for dense ones would read another layout. */
  @ParameterizedTest
  @ValueSource(strings = {"2:4", "16x4", "unstructured"})
  void whoHasNoSparseKernelSaysSo(String id) {
    Sparse w = new Sparse(Sparsity.of(id), twoOfFour());
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.FLOAT, Epilogue.NONE);
    assertTrue(spec.toString().contains("weights F32 " + w.sparsity()), spec.toString());
    try (Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(1))) {
      List<Planner.Verdict> verdicts = sinter.planner().survey(spec);
      assertTrue(verdicts.contains(new Planner.Verdict("reference", "yes")), verdicts.toString());
      for (Backend backend : sinter.backends()) {
        assertThrows(IllegalArgumentException.class, () -> backend.matmul(spec.dense(), w, null));
        assertThrows(IllegalArgumentException.class, () -> backend.matmul(spec, w.full(), null));
      }
    }
  }

  @Test
  void specsOfOneLayerDifferByStructure() {
    Dense w = twoOfFour();
    MatmulSpec dense = MatmulSpec.of(w, ActivationScheme.FLOAT, Epilogue.NONE);
    MatmulSpec sparse =
        MatmulSpec.of(new Sparse(Sparsity.UNSTRUCTURED, w), ActivationScheme.FLOAT, Epilogue.NONE);
    assertEquals(dense, sparse.dense());
    assertNotEquals(dense, sparse);
  }

  private Dense twoOfFour() {
    MemorySegment data = arena.allocate(4L * N * K, 64);
    random.fill(data, 1);
    for (int i = 0; i < N * K; i += 4) {
      int[] order = random.permutation(4);
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i + order[0], 0);
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i + order[1], 0);
    }
    return new Dense("w", N, K, DType.F32, data);
  }
}
