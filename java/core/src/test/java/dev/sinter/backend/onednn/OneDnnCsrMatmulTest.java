package dev.sinter.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Support;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.TestRandom;
import dev.sinter.testing.Tolerance;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OneDnnCsrMatmulTest {
  private static final List<Epilogue> EPILOGUES =
      List.of(Epilogue.NONE, Epilogue.BIAS, new Epilogue(true, Activation.NONE, true));

  private static final int[] ROWS = {1, 7, 8, 9, 17, 32, 33, 70};

  private static WorkerPool pool;
  private static OneDnnBackend backend;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();

  @BeforeAll
  static void open() {
    pool = new WorkerPool("test", 2);
    backend = new OneDnnBackend(pool, null);
  }

  @AfterAll
  static void close() {
    pool.close();
    backend.close();
  }

  @AfterEach
  void free() {
    arena.close();
  }

  /** From full rows over more and more zeros to nothing else; the first rows have no weights. */
  @ParameterizedTest
  @CsvSource({
    "1,1,0",
    "1,17,50",
    "31,15,50",
    "127,257,90",
    "384,600,95",
    "700,70,80",
    "64,300,100"
  })
  void agreesWithFloat64(int k, int n, int zeros) {
    MemorySegment data = normals((long) n * k);
    for (int i = 0; i < n * k; i++) {
      if ((zeros > 0 && i < 3 * k && n > 3) || random.integer(0, 100) < zeros) {
        data.setAtIndex(JAVA_FLOAT, i, 0);
      }
    }
    Sparse weights = new Sparse(Sparsity.UNSTRUCTURED, new Dense("w", n, k, DType.F32, data));
    for (Epilogue epilogue : EPILOGUES) {
      MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, epilogue);
      assertTrue(backend.supports(spec).supported(), backend.supports(spec).reason());
      float[] bias = epilogue.bias() ? random.normals(n, 1) : null;
      try (MatmulKernel kernel = backend.matmul(spec, weights, bias)) {
        assertEquals("jit:uni (CSR)", kernel.implementation());
        for (int m : ROWS) {
          compare(kernel, spec, data, bias, m);
        }
      }
    }
  }

  private void compare(MatmulKernel kernel, MatmulSpec spec, MemorySegment w, float[] bias, int m) {
    int k = spec.k();
    int n = spec.n();
    MemorySegment before = normals((long) m * n);
    String where = spec + ", m=" + m + " " + random;
    try (GuardedMemory memory = new GuardedMemory()) {
      MemorySegment x = memory.floats((long) m * k).copyFrom(normals((long) m * k));
      MemorySegment y = memory.floats((long) m * n).copyFrom(before);
      ActivationBuffer input = ActivationBuffer.floats(x, m, k);
      pool.run(
          worker ->
              worker.forEachTile(kernel.tiles(m), (index, t) -> kernel.run(index, t, m, input, y)));
      memory.check(where);
      for (int i = 0; i < m * n; i++) {
        double added = bias == null ? 0 : bias[i % n];
        double residual = spec.epilogue().residual() ? before.getAtIndex(JAVA_FLOAT, i) : 0;
        double exact = added + residual;
        double magnitude = Math.abs(added) + Math.abs(residual);
        for (int c = 0; c < k; c++) {
          double product =
              (double) x.getAtIndex(JAVA_FLOAT, (long) (i / n) * k + c)
                  * w.getAtIndex(JAVA_FLOAT, (long) (i % n) * k + c);
          exact += product;
          magnitude += Math.abs(product);
        }
        double bound = Tolerance.dot(k + 2, magnitude) + Tolerance.rounding(exact);
        Tolerance.assertWithin(
            (float) exact, y.getAtIndex(JAVA_FLOAT, i), bound, where + " at " + i);
      }
    }
  }

  @Test
  void saysWhatItHasNoSparseCodeFor() {
    Dense w = new Dense("w", 8, 8, DType.F32, normals(64));
    Sparse weights = new Sparse(Sparsity.UNSTRUCTURED, w);
    Epilogue gelu = new Epilogue(false, Activation.GELU_ERF, false);
    refuse(MatmulSpec.of(weights, ActivationScheme.FLOAT, gelu), "without gate and activation");
    Sparse halves = new Sparse(Sparsity.UNSTRUCTURED, w.toBf16(arena));
    refuse(MatmulSpec.of(halves, ActivationScheme.BF16, Epilogue.NONE), "F32 weights with FLOAT");
  }

  private static void refuse(MatmulSpec spec, String reason) {
    Support support = backend.supports(spec);
    assertFalse(support.supported(), spec.toString());
    assertTrue(support.reason().contains(reason), support.reason());
  }

  private MemorySegment normals(long count) {
    MemorySegment values = arena.allocate(4 * count, 64);
    random.fill(values, 1);
    return values;
  }
}
