package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Sparse weights of every structure against the same ones as dense, whose kernels are compared with
 * the reference: the same bits.
 */
class MatmulSparseVectorTest {
  private static final int[] ROWS = {1, 2, 5, 64, 70};

  private final MatmulCases cases = new MatmulCases();

  @AfterEach
  void free() {
    cases.close();
  }

  /** From no zeros over more and more to nothing else; the first rows are empty. */
  @ParameterizedTest
  @CsvSource({
    "1,1,unstructured,0",
    "31,17,16x4,50",
    "130,193,unstructured,95",
    "600,150,16x4,60",
    "1037,67,8x1,80",
    "300,70,1x16,50",
    "64,131,2:4,50",
    "64,64,unstructured,100"
  })
  void resultsAreThoseOfTheDenseKernel(int k, int n, String structure, int zeros) {
    Epilogue epilogue =
        MatmulCases.EPILOGUES.get(cases.random.integer(0, MatmulCases.EPILOGUES.size()));
    compare(cases.dense(k, n), structure, zeros, ActivationScheme.FLOAT, epilogue);
    for (ActivationScheme codes :
        List.of(ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN)) {
      FullTensor w = cases.quantized(k, n, CodeFormat.perChannel(8));
      compare(w, structure, zeros, codes, epilogue);
    }
  }

  private void compare(
      FullTensor full, String structure, int zeros, ActivationScheme activations, Epilogue epi) {
    makeZeros(full, Sparsity.of(structure), zeros);
    Sparse weights = new Sparse(Sparsity.of(structure), full);
    MatmulSpec spec = MatmulSpec.of(weights, activations, epi);
    float[] bias = epi.bias() ? cases.random.normals(spec.n(), 1) : null;
    int most = ROWS[ROWS.length - 1];
    MemorySegment values = cases.arena.allocate(4L * most * spec.k(), 64);
    MemorySegment before = cases.arena.allocate(4L * most * spec.n(), 64);
    cases.random.fill(values, 1);
    cases.random.fill(before, 1);
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulKernel dense = backend.matmul(spec.dense(), full, bias);
          MatmulKernel sparse = backend.matmul(spec, weights, bias)) {
        assertEquals("MatmulSparseVector:" + bits, sparse.implementation());
        assertEquals(dense.codeColumns(), sparse.codeColumns());
        for (int m : ROWS) {
          MemorySegment expected = cases.arena.allocate(4L * m * spec.n(), 64);
          MemorySegment y = cases.arena.allocate(4L * m * spec.n(), 64);
          MemorySegment.copy(before, 0, expected, 0, y.byteSize());
          MemorySegment.copy(before, 0, y, 0, y.byteSize());
          ActivationBuffer x = cases.input(spec.dense(), dense, values, m, cases.arena);
          MatmulCases.runAll(dense, m, x, expected);
          MatmulCases.runAll(sparse, m, x, y);
          String where = bits + " bits, " + spec + ", m=" + m + " " + cases.random;
          assertEquals(-1, expected.mismatch(y), where);
        }
      }
    }
  }

  /** Zeros of all bytes of some blocks, N:M taken as N * 4 / M of four. */
  private void makeZeros(FullTensor full, Sparsity structure, int percent) {
    int height = structure instanceof Sparsity.Blocks b ? b.rows() : 1;
    int width = structure instanceof Sparsity.Blocks b ? b.columns() : 1;
    for (int row = 0; row < full.rows(); row += height) {
      for (int k = 0; k < full.columns(); k += width) {
        boolean zero =
            structure instanceof Sparsity.NofM
                ? k % 4 < 2
                : cases.random.integer(0, 100) < (row < 16 && percent > 0 ? 100 : percent);
        if (zero) {
          zero(full, row, k, height, width);
        }
      }
    }
  }

  private static void zero(FullTensor full, int row, int column, int height, int width) {
    MemorySegment data =
        switch (full) {
          case Dense d -> d.data();
          case Quantized q -> q.codes();
        };
    long bytes = data.byteSize() / full.rows() / full.columns();
    for (int r = row; r < Math.min(full.rows(), row + height); r++) {
      for (int k = column; k < Math.min(full.columns(), column + width); k++) {
        for (int i = 0; i < bytes; i++) {
          data.set(JAVA_BYTE, ((long) r * full.columns() + k) * bytes + i, (byte) 0);
        }
      }
    }
  }

  /** What is left out is not stored either, and is what the density says. */
  @Test
  void densityIsThatOfHalfPanels() {
    FullTensor full = cases.dense(256, 128);
    makeZeros(full, Sparsity.of("32x4"), 75);
    Sparse weights = new Sparse(Sparsity.of("32x4"), full);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulKernel sparse = backend.matmul(spec, weights, null);
          MatmulKernel dense = backend.matmul(spec.dense(), full, null)) {
        double density = backend.density(spec, weights);
        assertEquals(weights.density(), density, 1e-9, cases.random.toString());
        assertTrue(
            Math.abs(sparse.bytes() - density * dense.bytes()) < 0.02 * dense.bytes(),
            sparse.bytes() + " of " + dense.bytes() + " at " + density);
      }
    }
  }

  @Test
  void refusesWhatItHasNoKernelFor() {
    try (VectorBackend backend = new VectorBackend(1, 0)) {
      Sparse int4 =
          new Sparse(Sparsity.UNSTRUCTURED, cases.quantized(64, 16, CodeFormat.inGroups(4, 32)));
      String reason =
          backend
              .supports(MatmulSpec.of(int4, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE))
              .reason();
      assertTrue(reason.contains("not of I4 in groups of 32 unstructured"), reason);
      Sparse floats = new Sparse(Sparsity.UNSTRUCTURED, cases.dense(16, 16));
      Epilogue gate = new Epilogue(false, Activation.SILU, false, true);
      MatmulSpec gated = MatmulSpec.of(floats, ActivationScheme.FLOAT, gate);
      assertFalse(backend.supports(gated).supported());
      assertTrue(backend.supports(gated).reason().contains("with a gate"));
    }
  }
}
