package dev.sinter.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparseTest {
  private static final Sparsity.NofM TWO_OF_FOUR = new Sparsity.NofM(2, 4);

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();

  @Test
  void idsAreReadAsTheyAreWritten() {
    for (String id : List.of("16x4", "1x16", "8x1", "2:4", "7:63", "unstructured")) {
      assertEquals(id, Sparsity.of(id).id());
    }
    assertEquals(new Sparsity.Blocks(16, 4), Sparsity.of("16x4"));
    assertEquals(TWO_OF_FOUR, Sparsity.of("2:4"));
    for (String id : List.of("", "16", "x", "16x", "16x4x2", "2:4:", "2:x4", "csr", "16X4")) {
      expect("unknown sparsity '" + id + "'", () -> Sparsity.of(id));
    }
    expect("got 1x1", () -> new Sparsity.Blocks(1, 1));
    expect("got 0x4", () -> Sparsity.of("0x4"));
    expect("got 4x-1", () -> new Sparsity.Blocks(4, -1));
    expect("got 0:4", () -> new Sparsity.NofM(0, 4));
    expect("got 4:4", () -> new Sparsity.NofM(4, 4));
    expect("got 2:65", () -> new Sparsity.NofM(2, 65));
  }

  @Test
  void countsWhatIsPresent() {
    // 3x5: ragged blocks of 2x2, short groups of 4.
    Dense w = dense(3, 5, 1, 0, 0, 0, 0, 0, 0, -0f, 0, 0, 0, 0, 0, 0, Float.NaN);
    Sparse blocks = new Sparse(new Sparsity.Blocks(2, 2), w);
    assertEquals(2, blocks.nonZeros());
    assertEquals(2 / 6.0, blocks.density());
    assertEquals(2, blocks.mask().count(new Sparsity.Blocks(2, 2)));
    assertEquals(2 / 15.0, new Sparse(Sparsity.UNSTRUCTURED, w).density());
    assertEquals(0.5, new Sparse(TWO_OF_FOUR, w).density());
    assertEquals("w: 2x2 blocks, density 0.333", blocks.toString());
    assertEquals(60 / 3 + 1, blocks.bytes());
    assertEquals(60 * 2 / 15 + 2, new Sparse(Sparsity.UNSTRUCTURED, w).bytes());
    assertEquals(60 / 2 + 2, new Sparse(TWO_OF_FOUR, w).bytes());
    float[] row = new float[5];
    blocks.decodeRow(2, row);
    assertTrue(Float.isNaN(row[4]) && row[0] == 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 63, 64, 65, 127, 128, 200})
  void masksAgreeWithTheWeights(int columns) {
    int rows = 9;
    float[] values = sparseValues(rows * columns, 0.7f);
    Mask mask = Mask.of(dense(rows, columns, values));
    assertEquals(Math.ceilDiv(columns, 64), mask.words());
    long[] row = new long[mask.words()];
    long all = 0;
    for (int r = 0; r < rows; r++) {
      mask.readRow(r, row);
      int count = 0;
      for (int k = 0; k < mask.words() * 64; k++) {
        boolean present = k < columns && values[r * columns + k] != 0;
        assertEquals(present, (row[k / 64] >>> k & 1) == 1, random.toString());
        if (k < columns) {
          assertEquals(present, mask.isPresent(r, k));
          count += present ? 1 : 0;
        }
      }
      assertEquals(count, mask.count(r));
      all += count;
    }
    assertEquals(all, mask.count());
    assertThrows(IndexOutOfBoundsException.class, () -> mask.isPresent(0, columns));
    assertThrows(IndexOutOfBoundsException.class, () -> mask.isPresent(rows, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> mask.readRow(-1, row));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1x16", "8x1", "8x4", "16x4", "16x16", "32x32", "3x5", "1x65", "100x200"})
  void blocksAreFoundAtEveryEdge(String id) {
    Sparsity.Blocks blocks = (Sparsity.Blocks) Sparsity.of(id);
    int rows = 37;
    int columns = 133;
    float[] values = sparseValues(rows * columns, 0.97f);
    Mask mask = Mask.of(dense(rows, columns, values));
    long[] row = new long[3];
    long all = 0;
    for (int i = 0; i < blocks.blockRows(rows); i++) {
      int count = mask.readBlocks(blocks, i, row);
      for (int j = 0; j < 64 * row.length; j++) {
        boolean present = false;
        for (int r = i * blocks.rows(); r < Math.min(rows, (i + 1) * blocks.rows()); r++) {
          for (int k = j * blocks.columns();
              k < Math.min(columns, (j + 1) * blocks.columns());
              k++) {
            present |= values[r * columns + k] != 0;
          }
        }
        assertEquals(present, (row[j / 64] >>> j & 1) == 1, i + "," + j + " " + random);
        count -= present ? 1 : 0;
        all += present ? 1 : 0;
      }
      assertEquals(0, count);
    }
    assertEquals(all, mask.count(blocks));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> mask.readBlocks(blocks, blocks.blockRows(rows), row));
  }

  @Test
  void nOfMIsVerified() {
    // Two rows of a group of 4 and a short one of 3.
    float[] good = {0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1};
    assertEquals(5, new Sparse(TWO_OF_FOUR, dense(2, 7, good)).nonZeros());
    float[] bad = good.clone();
    bad[7] = bad[8] = bad[10] = 1;
    expect(
        "w is not 2:4: the weight at row 1, column 3 is one too many of those from column 0 on",
        () -> new Sparse(TWO_OF_FOUR, dense(2, 7, bad)));
    float[] tail = good.clone();
    tail[6] = 1;
    expect("row 0, column 6 is one too many", () -> new Sparse(TWO_OF_FOUR, dense(2, 7, tail)));
    // Two neighbours in different groups are no breach.
    new Sparse(new Sparsity.NofM(1, 3), dense(1, 7, 0, 0, 1, 1, 0, 0, 1));
  }

  @Test
  void codesAreAbsentAtTheirZeroPoint() {
    CodeFormat format = new CodeFormat(4, Granularity.GROUP, 32, true);
    byte[] row = new byte[40];
    Arrays.fill(row, 0, 32, (byte) -5); // zero point 3
    Arrays.fill(row, 32, 40, (byte) 7); // zero point 15
    row[31] = 0;
    row[32] = -5;
    MemorySegment codes = arena.allocate(20);
    format.write(row, codes, 0);
    float[] scales = {2, 0.5f};
    byte[] zeroPoints = {3, 15};
    Quantized q = new Quantized("w", 1, 40, format, codes, scales, zeroPoints);
    Mask mask = new Sparse(Sparsity.UNSTRUCTURED, q).mask();
    assertEquals(2, mask.count());
    assertTrue(mask.isPresent(0, 31) && mask.isPresent(0, 32));
    Sparse scattered =
        Sparse.scatter("w", mask, format, new byte[] {0, -5}, scales, zeroPoints, arena);
    assertEquals(-1, codes.mismatch(((Quantized) scattered.values()).codes()));
    assertEquals(2, scattered.nonZeros());
    expect(
        "w: 1 codes, the 2 weights of the mask need 2",
        () -> Sparse.scatter("w", mask, format, new byte[1], scales, zeroPoints, arena));
    expect(
        "8 is no code of I4",
        () -> Sparse.scatter("w", mask, format, new byte[] {8, 0}, scales, zeroPoints, arena));
  }

  @Test
  void binaryCodesCannotBeAbsent() {
    CodeFormat format = new CodeFormat(Code.BINARY, Granularity.CHANNEL, 0, false);
    Quantized q = new Quantized("w", 1, 8, format, arena.allocate(1), new float[] {1}, null);
    expect("w: no code of BINARY is zero", () -> new Sparse(Sparsity.UNSTRUCTURED, q));
  }

  @Test
  void bitmasksAreReadLowestBitFirst() {
    MemorySegment bytes = arena.allocate(4);
    bytes.set(ValueLayout.JAVA_BYTE, 0, (byte) 0b1000_0001);
    bytes.set(ValueLayout.JAVA_BYTE, 1, (byte) 0b10);
    bytes.set(ValueLayout.JAVA_BYTE, 2, (byte) 0b100);
    Mask mask = Mask.of(2, 10, bytes);
    assertEquals(4, mask.count());
    assertTrue(mask.isPresent(0, 0) && mask.isPresent(0, 7) && mask.isPresent(0, 9));
    assertTrue(mask.isPresent(1, 2));
    MemorySegment present = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 0);
    Sparse w = Sparse.scatter("w", mask, DType.F32, present, arena);
    float[] row = new float[10];
    w.decodeRow(0, row);
    assertArrayEquals(new float[] {1, 0, 0, 0, 0, 0, 0, 2, 0, 3}, row);
    assertEquals(3, w.nonZeros(), "what is stored as zero is absent");
    expect(
        "w: 12 bytes of values, the 4 weights of the mask need 16",
        () -> Sparse.scatter("w", mask, DType.F32, present.asSlice(0, 12), arena));
    expect("needs 4 bytes, has 3", () -> Mask.of(2, 10, bytes.asSlice(0, 3)));
    expect("at least 1, got 0x10", () -> Mask.of(0, 10, arena.allocate(0)));
    bytes.set(ValueLayout.JAVA_BYTE, 3, (byte) 0b100);
    expect("bitmask, row 1: column 10 of 10 is set", () -> Mask.of(2, 10, bytes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"BF16", "F16", "F32", "F64"})
  void csrKeepsEveryType(String type) {
    DType dtype = DType.valueOf(type);
    int rows = 13;
    int columns = 70;
    Mask mask = Mask.of(dense(rows, columns, sparseValues(rows * columns, 0.8f)));
    Csr csr = Csr.of(mask);
    byte[] bytes = new byte[(int) mask.count() * dtype.bytes()];
    for (int i = 0; i < bytes.length; i++) {
      // The last byte makes it a number between 2^-15 and 2 in every type.
      bytes[i] = (byte) ((i + 1) % dtype.bytes() == 0 ? 0x3f : random.integer(1, 60));
    }
    MemorySegment present = MemorySegment.ofArray(bytes);
    Sparse w = Sparse.scatter("w", csr.mask(), dtype, present, arena);
    assertEquals(mask.count(), w.nonZeros());
    float[] row = new float[columns];
    for (int r = 0; r < rows; r++) {
      w.decodeRow(r, row);
      for (int i = csr.rowPointers()[r]; i < csr.rowPointers()[r + 1]; i++) {
        assertEquals(dtype.readFloat(present, i), row[csr.columnIndices()[i]], random.toString());
        row[csr.columnIndices()[i]] = 0;
      }
      assertArrayEquals(new float[columns], row, random.toString());
    }
  }

  @Test
  void emptyAndFullRowsAndAllZeros() {
    Dense w = dense(3, 3, 0, 0, 0, 1, 2, 3, 0, 0, 0);
    Csr csr = Csr.of(Mask.of(w));
    assertArrayEquals(new int[] {0, 0, 3, 3}, csr.rowPointers());
    assertArrayEquals(new int[] {0, 1, 2}, csr.columnIndices());
    Dense none = dense(2, 3, new float[6]);
    Csr empty = Csr.of(Mask.of(none));
    Sparse zeros = Sparse.scatter("w", empty.mask(), DType.F32, arena.allocate(0), arena);
    assertEquals(0, zeros.density());
    assertEquals(-1, none.data().mismatch(((Dense) zeros.values()).data()));
    assertEquals(0, new Sparse(new Sparsity.Blocks(2, 2), none).density());
    assertEquals(1, new Sparse(Sparsity.UNSTRUCTURED, dense(1, 2, 3, 4)).density());
  }

  @Test
  void badCsrIsNamed() {
    int[] p = {0, 2, 3};
    new Csr(2, 4, p, new int[] {0, 3, 1});
    expect("row 0: column index 1 is 4, must be 0 to 3", () -> csr(p, 0, 4, 1));
    expect("row 1: column index 2 is -1, must be 0 to 3", () -> csr(p, 0, 3, -1));
    expect("row 0: column index 1 is 3 again", () -> csr(p, 3, 3, 1));
    expect("row 0: column index 1 is 2, which comes after 3", () -> csr(p, 3, 2, 1));
    expect(
        "row pointer 2 is 3, less than", () -> new Csr(3, 4, new int[] {0, 9, 3, 3}, new int[3]));
    expect("row pointer 1 is -1, less than", () -> csr(new int[] {0, -1, 3}, 0, 1, 2));
    expect("go from 1 to 3", () -> csr(new int[] {1, 2, 3}, 0, 1, 2));
    expect("number of column indices, 2", () -> csr(p, 0, 1));
    expect("2x4 with 2 row pointers", () -> csr(new int[] {0, 3}, 0, 1, 2));
    expect("0x4 with 1 row pointers", () -> new Csr(0, 4, new int[1], new int[0]));
    expect("2x0 with 3 row pointers", () -> new Csr(2, 0, new int[3], new int[0]));
  }

  private static Csr csr(int[] pointers, int... indices) {
    return new Csr(2, 4, pointers, indices);
  }

  @Test
  void aStackOfSparseWeightsIsSparse() {
    Sparse a = new Sparse(TWO_OF_FOUR, dense(1, 4, 1, 0, 2, 0));
    Sparse b = new Sparse(TWO_OF_FOUR, dense(2, 4, 0, 0, 0, 0, 0, 0, 3, 4));
    Sparse all = (Sparse) RowStack.of("all", List.of(a, b), arena);
    assertEquals(TWO_OF_FOUR, all.sparsity());
    assertEquals(3, all.rows());
    float[] row = new float[4];
    all.decodeRow(2, row);
    assertArrayEquals(new float[] {0, 0, 3, 4}, row);
    Sparse other = new Sparse(Sparsity.UNSTRUCTURED, (Dense) b.values());
    expect(
        "structures or column orders differ", () -> RowStack.of("all", List.of(a, other), arena));
    expect(
        "structures or column orders differ",
        () -> RowStack.of("all", List.of(a, b.values()), arena));
  }

  private float[] sparseValues(int length, float share) {
    float[] values = random.normals(length, 1);
    for (int i = 0; i < length; i++) {
      values[i] = random.uniform(0, 1) < share ? 0 : values[i];
    }
    return values;
  }

  private Dense dense(int rows, int columns, float... values) {
    MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
    return new Dense("w", rows, columns, DType.F32, data);
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
