package dev.sinter.backend.cpu;

import static dev.sinter.backend.cpu.PanelMatmulCases.EPILOGUES;
import static dev.sinter.backend.cpu.PanelMatmulCases.ROWS;
import static dev.sinter.backend.cpu.PanelMatmulCases.isas;
import static dev.sinter.backend.cpu.PanelMatmulCases.run;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Support;
import dev.sinter.runtime.NativeException;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The Java side of the kernels that skip blocks or weights; native/test/block_gemm_test.cpp
 * compares them bit for bit with the dense ones.
 */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class BlockGemmNativeTest {
  private static final CodeFormat INT8 = CodeFormat.perChannel(8);

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final CodesGemmCheck check =
      new CodesGemmCheck(CodesGemm.COMPILED, Int8BlockGemmNative::new);

  @AfterEach
  void free() {
    check.close();
    arena.close();
  }

  /** From no zeros over more and more to nothing else, the last blocks being cut off. */
  @ParameterizedTest
  @CsvSource({"1,1,0", "31,17,50", "130,193,50", "384,150,80", "200,1000,95", "64,64,100"})
  void codesAgreeWithTheReference(int k, int n, int zeros) {
    Quantized weights = check.quantized(k, n, INT8);
    zeroBlocks(weights.codes(), n, k, 1, zeros);
    for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
      check.compare(weights, activations, check.anyEpilogue());
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,0", "31,17,50", "130,193,50", "384,150,80", "200,1000,95", "64,64,100"})
  void floatsAreThoseOfTheDenseKernel(int k, int n, int zeros) {
    Dense weights = dense(n, k);
    zeroBlocks(weights.data(), n, k, 4, zeros);
    Epilogue epilogue = EPILOGUES.get(random.integer(0, EPILOGUES.size()));
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, epilogue);
    float[] bias = epilogue.bias() ? random.normals(n, 1) : null;
    for (Isa isa : isas(FloatsGemm.COMPILED)) {
      try (MatmulKernel full =
              new F32GemmNative(spec, FloatsGemm.packer(spec, weights, null), bias, 1, isa);
          MatmulKernel blocks = new F32BlockGemmNative(spec, weights, bias, 1, isa);
          MatmulKernel unstructured = new F32SellGemmNative(spec, weights, bias, 1, isa)) {
        for (int m : ROWS) {
          String where = isa + " " + spec + ", m=" + m + " " + random;
          MemorySegment before = normals((long) m * n);
          MemorySegment expected = arena.allocate(before.byteSize()).copyFrom(before);
          try (GuardedMemory memory = new GuardedMemory()) {
            MemorySegment x = memory.floats((long) m * k).copyFrom(normals((long) m * k));
            MemorySegment y = memory.floats((long) m * n).copyFrom(before);
            ActivationBuffer input = ActivationBuffer.floats(x, m, k);
            run(full, m, input, expected);
            for (MatmulKernel kernel : List.of(blocks, unstructured)) {
              y.copyFrom(before);
              run(kernel, m, input, y);
              assertEquals(-1, expected.mismatch(y), kernel.implementation() + where);
              memory.check(where);
            }
          }
        }
      }
    }
  }

  @Test
  void aRowDependsOnItselfAlone() {
    Quantized weights = check.quantized(200, 900, INT8);
    zeroBlocks(weights.codes(), 900, 200, 1, 60);
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    check.aRowDependsOnItselfAlone(weights, MatmulSpec.of(weights, u8, Epilogue.NONE));
  }

  /** What is left out is not stored either. */
  @Test
  void bytesAreThoseOfTheBlocks() {
    int n = 256;
    int k = 1024;
    Dense weights = dense(n, k);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
    try (MatmulKernel full = new F32BlockGemmNative(spec, weights, null, 1, Isa.SCALAR)) {
      zeroBlocks(weights.data(), n, k, 4, 75);
      try (MatmulKernel kernel = new F32BlockGemmNative(spec, weights, null, 1, Isa.SCALAR)) {
        double share = (double) kernel.bytes() / full.bytes();
        assertTrue(0.2 < share && share < 0.3, share + " " + random);
      }
    }
  }

  /** Columns are as long as the longest of sixteen, which counts as density. */
  @Test
  void unstructuredFloatsArePackedByTheLongestColumn() {
    int n = 40;
    int k = 100;
    Dense full = dense(n, k);
    full.data().fill((byte) 0);
    for (int i = 0; i < 30; i++) {
      full.data().setAtIndex(ValueLayout.JAVA_FLOAT, 17L * k + 3 * i, 1); // of the second panel
    }
    Sparse weights = new Sparse(Sparsity.UNSTRUCTURED, full);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, null)) {
      assertTrue(backend.supports(spec).supported());
      assertEquals(30 / 300.0, backend.density(spec, weights));
      try (MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        assertTrue(kernel.implementation().startsWith("sinter_f32_sell_gemm_"));
        assertEquals(30 * 16 * 6 + 4 * 8, kernel.bytes());
      }
    }
  }

  /** Zeros anywhere, whole rows and panels of them among them. */
  @ParameterizedTest
  @CsvSource({"1,1,0", "31,17,50", "130,193,50", "384,150,80", "200,1000,95", "64,64,100"})
  void unstructuredCodesAgreeWithTheReference(int k, int n, int zeros) {
    Quantized weights = check.quantized(k, n, INT8);
    scatterZeros(weights, zeros);
    try (CodesGemmCheck other = new CodesGemmCheck(CodesGemm.COMPILED, Int8SellGemmNative::new)) {
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        other.compare(weights, activations, other.anyEpilogue());
      }
    }
  }

  /** Steps of 16 columns with four slots each count as density, empty slots and all. */
  @ParameterizedTest
  @CsvSource({"1,1,0", "31,17,50", "130,193,50", "384,150,80", "200,1000,95", "64,64,100"})
  void unstructuredCodesArePackedAsTheirDensitySays(int k, int n, int zeros) {
    Quantized codes = check.quantized(k, n, INT8);
    scatterZeros(codes, zeros);
    Sparse weights = new Sparse(Sparsity.UNSTRUCTURED, codes);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, null);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      assertTrue(kernel.implementation().startsWith("sinter_int8_sell_gemm_"));
      int panels = Math.ceilDiv(n, 16);
      double steps = backend.density(spec, weights) * panels * k / 4;
      long others = 8L * (panels + 1) + 3L * 4 * 16 * panels; // starts, scales and sums
      assertEquals(others + 98 * Math.round(steps), kernel.bytes(), random.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"16x4", "32x32", "8x4"})
  void theBackendTakesWhatItHasAKernelFor(String id) {
    Quantized codes = check.quantized(40, 32, INT8);
    zeroBlocks(codes.codes(), 32, 40, 1, 50);
    Sparse weights = new Sparse(Sparsity.of(id), codes);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    try (CpuBackend backend = new CpuBackend(1, null)) {
      assertTrue(backend.supports(spec).supported(), spec.toString());
      try (MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        String best = Isa.best(isas(CodesGemm.COMPILED), CodesGemm.COMPILED).text();
        assertEquals("sinter_int8_block_gemm_" + best, kernel.implementation());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1x16, false, has no kernel for I8 per CHANNEL 1x16",
    "1:2, false, has no kernel for I8 per CHANNEL 1:2",
    "3:4, false, has no kernel for I8 per CHANNEL 3:4",
    "2:4, true, has no kernel with a gate for 2:4",
    "16x4, true, has no kernel with a gate for 16x4"
  })
  void theBackendSaysWhyItDoesNotTakeWeights(String id, boolean gate, String reason) {
    Quantized codes = check.quantized(40, 32, INT8, () -> 0);
    Epilogue epilogue = new Epilogue(false, Activation.SILU, false, gate);
    Sparse weights = new Sparse(Sparsity.of(id), codes);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, epilogue);
    try (CpuBackend backend = new CpuBackend(1, null)) {
      Support support = backend.supports(spec);
      assertFalse(support.supported(), spec.toString());
      assertTrue(support.reason().contains(reason), support.reason());
      assertTrue(backend.supports(spec.dense()).supported(), spec.toString());
    }
  }

  @Test
  void theBackendSaysWhichBlocksItCannotSkip() {
    Sparsity blocks = Sparsity.of("16x4");
    try (CpuBackend backend = new CpuBackend(1, null)) {
      // Blocks of int4 are 8 wide.
      for (CodeFormat format : List.of(CodeFormat.inGroups(4, 32), CodeFormat.inGroups(8, 32))) {
        Sparse weights = new Sparse(blocks, check.quantized(64, 16, format));
        String reason =
            backend
                .supports(MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE))
                .reason();
        assertTrue(reason.contains("has no kernel for " + format), reason);
      }
    }
  }

  /** Groups without any weight among them, and a block at the end of a row that is half past it. */
  @ParameterizedTest
  @CsvSource({"1,1,0", "31,17,50", "130,193,50", "388,150,80", "200,1000,95", "64,64,100"})
  void fourBitCodesAgreeWithTheReference(int k, int n, int zeros) {
    try (CodesGemmCheck other = new CodesGemmCheck(CodesGemm.COMPILED, Int4BlockGemmNative::new)) {
      for (CodeFormat format :
          List.of(
              CodeFormat.perChannel(4), CodeFormat.inGroups(4, 32), CodeFormat.inGroups(4, 128))) {
        int across = Math.ceilDiv(k, 8);
        boolean[] kept = new boolean[Math.ceilDiv(n, 16) * across];
        for (int i = 0; i < kept.length; i++) {
          kept[i] = random.integer(0, 100) >= zeros;
        }
        int[] next = {0}; // codes are asked for row by row
        Quantized weights =
            other.quantized(
                k,
                n,
                format,
                () -> {
                  int row = next[0] / k;
                  int column = next[0]++ % k;
                  return kept[row / 16 * across + column / 8] ? random.integer(-8, 8) : 0;
                });
        for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
          other.compare(weights, activations, other.anyEpilogue());
        }
      }
    }
  }

  /** Two of four, or fewer, or among the last ones of a row. */
  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "130,193", "384,150"})
  void twoOfFourAgreesWithTheReference(int k, int n) {
    Quantized weights = check.quantized(k, n, INT8);
    for (int row = 0; row < n; row++) {
      for (int column = 0; column < k; column += 4) {
        for (int place : Arrays.copyOf(random.permutation(4), 2)) {
          if (column + place < k) {
            weights.codes().set(JAVA_BYTE, (long) row * k + column + place, (byte) 0);
          }
        }
      }
    }
    try (CodesGemmCheck other =
        new CodesGemmCheck(CodesGemm.COMPILED, Int8TwoOfFourGemmNative::new)) {
      for (ActivationScheme activations : CodesGemmCheck.SCHEMES) {
        other.compare(weights, activations, other.anyEpilogue());
      }
    }
  }

  @Test
  void moreThanTwoOfFourAreRefused() {
    Quantized weights = check.quantized(64, 16, INT8, () -> 1);
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    assertThrows(
        NativeException.class,
        () -> new Int8TwoOfFourGemmNative(spec, weights, null, 1, Isa.SCALAR));
  }

  /** Zeros `percent` of the blocks, and those of the first panel all. */
  private void zeroBlocks(MemorySegment weights, int n, int k, int bytes, int percent) {
    for (int row = 0; row < n; row += BlockList.ROWS) {
      for (int column = 0; column < k; column += 4) {
        if (random.integer(0, 100) < (row == 0 && percent > 0 ? 100 : percent)) {
          int width = Math.min(4, k - column);
          for (int r = row; r < Math.min(n, row + BlockList.ROWS); r++) {
            weights.asSlice(((long) r * k + column) * bytes, (long) width * bytes).fill((byte) 0);
          }
        }
      }
    }
  }

  /** Zeros about `percent` of the weights, and those of the first panel all. */
  private void scatterZeros(Quantized weights, int percent) {
    for (int i = 0; i < weights.rows() * weights.columns(); i++) {
      boolean first = percent > 0 && i < BlockList.ROWS * weights.columns();
      if (first || random.integer(0, 100) < percent) {
        weights.codes().set(JAVA_BYTE, i, (byte) 0);
      }
    }
  }

  private Dense dense(int n, int k) {
    return new Dense("w", n, k, DType.F32, normals((long) n * k));
  }

  private MemorySegment normals(long count) {
    MemorySegment values = arena.allocate(4 * count, 64);
    random.fill(values, 1);
    return values;
  }
}
