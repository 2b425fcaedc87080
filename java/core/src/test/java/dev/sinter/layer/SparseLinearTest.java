package dev.sinter.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Planner;
import dev.sinter.backend.Timings;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparse layers, whether they run so or are kept as dense ones. */
class SparseLinearTest {
  private static final int N = 50;
  private static final int K = 100;

  private final TestRandom random = new TestRandom();
  @TempDir private Path folder;
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

  /** As if two rows of 2:4 were fast, and more of them slow. */
  private SinterOptions planned(Sparse weights, long budget) throws IOException {
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    Map<Timings.Layer, Map<String, Double>> millis = new HashMap<>();
    for (int m : new int[] {1, 4}) {
      Timings.Layer layer = new Timings.Layer(Timings.kind(spec), 512, 512, 50, m);
      millis.put(layer, Map.of("cpu", 2.0, Timings.DENSE, m == 1 ? 4.0 : 1.0));
    }
    Path file = folder.resolve("plan.properties");
    new Timings(millis).write(file, "made up");
    return SinterOptions.defaults()
        .withThreads(2)
        .withBackend(null)
        .withPlan(file.toString())
        .withSecondPackingBytes(budget);
  }

  @ParameterizedTest
  @ValueSource(strings = {"scalar", "best"})
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void aLayerOfTwoFormsYieldsTheBitsOfOne(String isa) throws IOException {
    Sparse weights = Quantizer.roundToNearest(sparseTwoOfFour(), CodeFormat.perChannel(8), arena);
    SinterOptions options = planned(weights, 1 << 20).withIsa(isa.equals("best") ? null : isa);
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    float[] bias = random.normals(N, 1);
    int most = 9;
    MemorySegment x = arena.allocate(4L * most * K, 64);
    random.fill(x, 1);
    MemorySegment y = arena.allocate(4L * most * N, 64);
    MemorySegment expected = arena.allocate(4L * most * N, 64);
    try (Sinter sinter = Sinter.open(options);
        Linear dense = Linear.of(sinter, weights.full(), bias, u8);
        Linear sparse = Linear.of(sinter, weights, bias, u8);
        Linear alone = Linear.of(sinter, weights.full(), (float[]) null, u8)) {
      String explain = sparse.explain();
      assertTrue(explain.contains("for M up to 2, M=1: sparse 2.00x"), explain);
      assertTrue(explain.contains("sinter_int8_2of4_gemm_"), explain);
      assertTrue(explain.contains("for M above 2, M=4: sparse 0.50x"), explain);
      assertTrue(explain.contains("sinter_int8_gemm_"), explain);
      assertTrue(sparse.bytes() > dense.bytes() + N * K / 2, sparse.bytes() + " bytes");
      dense.forward(x, most, expected);
      for (int m = 1; m <= most; m++) {
        sparse.forward(x, m, y.fill((byte) -1));
        long bytes = 4L * m * N;
        assertEquals(
            -1, expected.asSlice(0, bytes).mismatch(y.asSlice(0, bytes)), m + " " + random);
      }
      assertTrue(alone.bytes() < dense.bytes());
    }
  }

  /** There is no kernel for 8x1 blocks. */
  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void zerosTakenForAnotherStructureYieldTheSameBits() throws IOException {
    Dense dense = twoOfFour();
    for (int i = 0; i < N * K; i++) {
      if ((i / K / 8 + i % K) % 3 != 0) {
        dense.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, 0);
      }
    }
    FullTensor codes = Quantizer.roundToNearest(dense, CodeFormat.perChannel(8), arena);
    Sparse weights = new Sparse(new Sparsity.Blocks(8, 1), codes);
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    int m = 3;
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    MemorySegment y = arena.allocate(4L * m * N, 64);
    MemorySegment expected = arena.allocate(4L * m * N, 64);
    SinterOptions options = planned(weights.as(Sparsity.UNSTRUCTURED), 1 << 20);
    try (Sinter sinter = Sinter.open(options);
        Linear full = Linear.of(sinter, codes, (float[]) null, u8);
        Linear sparse = Linear.of(sinter, weights, (float[]) null, u8)) {
      String explain = sparse.explain();
      assertTrue(explain.contains("8x1 blocks taken as unstructured, for M up to 2"), explain);
      assertTrue(explain.contains("sinter_int8_sell_gemm_"), explain);
      for (int rows = 1; rows <= m; rows++) {
        full.forward(x, rows, expected.fill((byte) 0));
        sparse.forward(x, rows, y.fill((byte) 0));
        assertEquals(-1, expected.mismatch(y), rows + " " + random);
      }
    }
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void theBudgetLimitsSecondFormsAndTakesThemBack() throws IOException {
    Sparse weights = Quantizer.roundToNearest(sparseTwoOfFour(), CodeFormat.perChannel(8), arena);
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    // Room for one.
    try (Sinter sinter = Sinter.open(planned(weights, weights.bytes() * 3 / 2))) {
      for (int i = 0; i < 2; i++) {
        try (Linear first = Linear.of(sinter, weights, (float[]) null, u8);
            Linear second = Linear.of(sinter, weights, (float[]) null, u8)) {
          assertTrue(first.explain().contains("_2of4_"), first.explain());
          String explain = second.explain();
          assertFalse(explain.contains("_2of4_"), explain);
          assertTrue(explain.contains("kept as dense") && explain.contains("left"), explain);
          assertTrue(second.bytes() < first.bytes());
          assertEquals(null, second.spec().sparsity());
        }
      }
    }
    assertThrows(
        IllegalArgumentException.class, () -> SinterOptions.defaults().withSecondPackingBytes(-1));
  }

  private Sparse sparseTwoOfFour() {
    return new Sparse(new Sparsity.NofM(2, 4), twoOfFour());
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
