package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparseRecognitionTest {
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();

  /** Also with as many zeros within the blocks as int8 and int4 codes have. */
  @ParameterizedTest
  @CsvSource({
    "32x32, 0.5", "16x16, 0.5", "16x4, 0.5", "8x4, 0.5", "8x1, 0.5", "1x16, 0.5",
    "32x32, 0.9", "16x16, 0.9", "16x4, 0.9", "8x4, 0.9", "8x1, 0.9", "1x16, 0.9",
    "16x4, 0.2", "8x1, 0.25", "16x4, 0.95"
  })
  void blocks(String id, double absent) {
    Sparsity.Blocks blocks = (Sparsity.Blocks) Sparsity.of(id);
    for (double within : new double[] {0, 0.013, 0.17}) {
      for (int[] shape : new int[][] {{256, 512}, {250, 509}}) {
        int columns = shape[1];
        boolean[] gone = new boolean[(int) blocks.count(shape[0], columns)];
        for (int i = 0; i < gone.length; i++) {
          gone[i] = random.uniform(0, 1) < absent;
        }
        float[] w = new float[shape[0] * columns];
        for (int i = 0; i < w.length; i++) {
          int block =
              i / columns / blocks.rows() * blocks.blockColumns(columns)
                  + i % columns / blocks.columns();
          w[i] = gone[block] || random.uniform(0, 1) < within ? 0 : 1;
        }
        String where = id + ", " + within + " within, " + shape[0] + " rows " + random;
        assertEquals(blocks, recognise(shape[0], columns, w), where);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.05, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 1})
  void scatteredZerosAreUnstructured(double absent) {
    float[] w = new float[256 * 512];
    for (int i = 0; i < w.length; i++) {
      w[i] = random.uniform(0, 1) < absent ? 0 : 1;
    }
    // All zeros are blocks of any size, none of them present.
    Sparsity expected = absent == 1 ? new Sparsity.Blocks(32, 32) : Sparsity.UNSTRUCTURED;
    assertEquals(expected, recognise(256, 512, w), random.toString());
  }

  @ParameterizedTest
  @CsvSource({"2, 4, 0", "2, 4, 0.1", "1, 4, 0", "4, 8, 0", "4, 8, 0.1"})
  void nOfM(int n, int m, double within) {
    float[] w = new float[64 * 256];
    for (int group = 0; group < w.length / m; group++) {
      int[] order = random.permutation(m);
      for (int i = 0; i < n; i++) {
        w[group * m + order[i]] = random.uniform(0, 1) < within ? 0 : 1;
      }
    }
    assertEquals(new Sparsity.NofM(n, m), recognise(64, 256, w), random.toString());
  }

  @Test
  void twoOfFourIsNotTakenForTheSparserPatternItCouldBe() {
    float[] w = new float[8 * 64];
    for (int i = 0; i < w.length; i += 4) {
      w[i + random.integer(0, 4)] = 1;
    }
    assertEquals(new Sparsity.NofM(1, 4), recognise(8, 64, w), random.toString());
    w[0] = w[1] = 1; // breaks it, and what is left is far from 2 in 4
    assertEquals(Sparsity.UNSTRUCTURED, recognise(8, 64, w), random.toString());
  }

  private Sparsity recognise(int rows, int columns, float[] values) {
    MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
    Sparse w = Sparse.recognise(new Dense("w", rows, columns, DType.F32, data));
    return w.sparsity();
  }
}
