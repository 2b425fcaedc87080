package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.compress.Pruner.Pruned;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrunerTest {
  private static final Sparsity.NofM TWO_OF_FOUR = new Sparsity.NofM(2, 4);

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();

  @Test
  void ofEqualMagnitudesTheFirstStay() {
    Dense w = dense("w", 2, 4, 1, -2, 2, 2, -2, 0, 2, -3);
    // The 0, the 1, and of the five magnitudes of 2 the last two.
    Pruned p = Pruner.unstructured(w, 0.5, arena);
    assertArrayEquals(new float[] {0, -2, 2, 2, 0, 0, 0, -3}, values(p.weights().values()));
    assertEquals(3, p.removed(), "what was zero before is not removed");
    assertEquals(0.5, p.weights().density());
    assertEquals(2, p.error().maxError());
    assertEquals(10 * Math.log10(30 / 9.0), p.error().sqnrDb(), 1e-12);
    Pruned n = Pruner.nOfM(w, TWO_OF_FOUR, arena);
    assertArrayEquals(new float[] {0, -2, 2, 0, -2, 0, 0, -3}, values(n.weights().values()));
    Dense even = dense("w", 2, 2, 1, 1, 1, 1);
    Pruned b = Pruner.blocks(even, new Sparsity.Blocks(1, 2), Norm.L1, 0.5, arena);
    assertArrayEquals(new float[] {1, 1, 0, 0}, values(b.weights().values()));
  }

  /** Against sorting, with ties and magnitudes that share their upper halves. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.001, 0.1, 0.5, 0.77, 0.999})
  void aShareOfAllMatricesTogether(double share) {
    List<Dense> matrices = new ArrayList<>();
    List<Float> all = new ArrayList<>();
    for (int[] shape : new int[][] {{7, 31}, {1, 1}, {64, 33}}) {
      float[] w = new float[shape[0] * shape[1]];
      for (int i = 0; i < w.length; i++) {
        w[i] =
            switch (random.integer(0, 4)) {
              case 0 -> random.normal();
              case 1 -> random.integer(-3, 4);
              case 2 -> 1 + random.integer(-9, 10) * 0x1p-23f;
              default -> Float.MIN_VALUE * random.integer(0, 3);
            };
        all.add(w[i]);
      }
      matrices.add(dense("w", shape[0], shape[1], w));
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      order.add(i);
    }
    // From what stays longest to what goes first; the sort is stable.
    order.sort(Comparator.comparing(i -> -Math.abs(all.get(i))));
    int kept = all.size() - (int) Math.rint(share * all.size());
    for (int gone : order.subList(kept, order.size())) {
      all.set(gone, 0f);
    }
    int at = 0;
    long removed = 0;
    for (Pruned p : Pruner.unstructured(matrices, share, arena)) {
      for (float value : values(p.weights().values())) {
        assertEquals(all.get(at), value, 0f, "weight " + at + " " + random);
        at++;
      }
      removed += p.removed();
    }
    assertEquals(all.size(), at);
    assertTrue(removed <= all.size() - kept);
  }

  @Test
  void smallMatricesLoseMoreOfAShareOfAll() {
    Dense small = dense("small", 8, 64, random.normals(512, 0.01f));
    Dense large = dense("large", 8, 64, random.normals(512, 1));
    List<Pruned> pruned = Pruner.unstructured(List.of(small, large), 0.5, arena);
    assertTrue(pruned.get(0).weights().density() < 0.1, random.toString());
    assertTrue(pruned.get(1).weights().density() > 0.9, random.toString());
    assertEquals(512, pruned.get(0).removed() + pruned.get(1).removed());
    assertTrue(pruned.get(0).error().sqnrDb() < pruned.get(1).error().sqnrDb());
    assertEquals(List.of(), Pruner.unstructured(List.of(), 0.5, arena));
  }

  @ParameterizedTest
  @CsvSource({"2, 4, 64", "2, 4, 67", "1, 4, 5", "4, 8, 3", "3, 7, 100", "1, 64, 130"})
  void theLargestOfEachGroupStay(int n, int m, int columns) {
    Dense w = dense("w", 5, columns, random.normals(5 * columns, 1));
    Pruned p = Pruner.nOfM(w, new Sparsity.NofM(n, m), arena);
    float[] before = values(w);
    float[] after = values(p.weights().values());
    long gone = 0;
    for (int r = 0; r < 5; r++) {
      for (int begin = 0; begin < columns; begin += m) {
        float leastKept = Float.POSITIVE_INFINITY;
        float mostGone = 0;
        int kept = 0;
        int end = Math.min(columns, begin + m);
        for (int k = begin; k < end; k++) {
          int i = r * columns + k;
          if (after[i] == 0) {
            mostGone = Math.max(mostGone, Math.abs(before[i]));
            gone++;
          } else {
            assertEquals(before[i], after[i]);
            leastKept = Math.min(leastKept, Math.abs(after[i]));
            kept++;
          }
        }
        assertEquals(Math.min(n, end - begin), kept, random.toString());
        assertTrue(mostGone <= leastKept, random.toString());
      }
    }
    assertEquals(gone, p.removed());
  }

  @ParameterizedTest
  @EnumSource
  void theWorstBlocksGoAndNoOthers(Norm norm) {
    int rows = 37;
    int columns = 30;
    Dense w = dense("w", rows, columns, random.normals(rows * columns, 1));
    float[] before = values(w);
    for (String id : List.of("16x4", "8x1", "1x16", "32x32", "5x7")) {
      Sparsity.Blocks blocks = (Sparsity.Blocks) Sparsity.of(id);
      for (double share : new double[] {0, 0.3, 0.5, 0.9}) {
        Pruned p = Pruner.blocks(w, blocks, norm, share, arena);
        float[] after = values(p.weights().values());
        long count = blocks.count(rows, columns);
        long present = count - (long) Math.rint(share * count);
        assertEquals((double) present / count, p.weights().density(), random.toString());
        double leastKept = Double.POSITIVE_INFINITY;
        double mostGone = 0;
        for (int r0 = 0; r0 < rows; r0 += blocks.rows()) {
          for (int k0 = 0; k0 < columns; k0 += blocks.columns()) {
            double sum = 0;
            int weights = 0;
            int kept = 0;
            for (int r = r0; r < Math.min(rows, r0 + blocks.rows()); r++) {
              for (int k = k0; k < Math.min(columns, k0 + blocks.columns()); k++) {
                float x = before[r * columns + k];
                sum += norm == Norm.L1 ? Math.abs(x) : x * (double) x;
                weights++;
                kept += after[r * columns + k] == x ? 1 : 0;
              }
            }
            assertTrue(kept == 0 || kept == weights, "a block goes whole " + random);
            double mean = sum / weights;
            leastKept = kept == 0 ? leastKept : Math.min(leastKept, mean);
            mostGone = kept == 0 ? Math.max(mostGone, mean) : mostGone;
          }
        }
        assertTrue(mostGone <= leastKept * (1 + 1e-6), norm + " " + id + " " + random);
      }
    }
  }

  /** L1 prefers many middling weights, L2 one large one. */
  @Test
  void normsDiffer() {
    Dense w = dense("w", 2, 4, 1, 1, 1, 1, 3, 0, 0, 0);
    Sparsity.Blocks rows = new Sparsity.Blocks(1, 4);
    Pruned l1 = Pruner.blocks(w, rows, Norm.L1, 0.5, arena);
    Pruned l2 = Pruner.blocks(w, rows, Norm.L2, 0.5, arena);
    assertEquals(4, l1.weights().nonZeros());
    assertEquals(1, l2.weights().nonZeros());
    assertEquals(4, l2.removed());
  }

  @Test
  void extremesOfFloatsAreOrdered() {
    float max = Float.MAX_VALUE;
    Dense w = dense("w", 2, 2, max, -max, max, 1);
    for (Norm norm : Norm.values()) {
      Pruned p = Pruner.blocks(w, new Sparsity.Blocks(1, 2), norm, 0.5, arena);
      assertArrayEquals(new float[] {max, -max, 0, 0}, values(p.weights().values()));
    }
    Dense tiny = dense("w", 1, 3, 2 * Float.MIN_VALUE, -0f, Float.MIN_VALUE);
    Pruned p = Pruner.unstructured(tiny, 0.67, arena);
    assertArrayEquals(new float[] {2 * Float.MIN_VALUE, 0, 0}, values(p.weights().values()));
  }

  @Test
  void theTypeAndTheOriginalStayAsTheyAre() {
    Dense w = dense("w", 2, 4, 1, 2, 3, 4, 5, 6, 7, 8);
    Dense half = w.toBf16(arena);
    Pruned p = Pruner.nOfM(half, TWO_OF_FOUR, arena);
    assertEquals(DType.BF16, ((Dense) p.weights().values()).dtype());
    assertArrayEquals(new float[] {0, 0, 3, 4, 0, 0, 7, 8}, values(p.weights().values()));
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, values(half));
    assertEquals("w", p.weights().name());
  }

  @Test
  void zerosStayZeros() {
    Dense w = dense("zeros", 3, 5, new float[15]);
    assertEquals(0, Pruner.unstructured(w, 0, arena).removed());
    Pruned p = Pruner.unstructured(w, 0.2, arena);
    assertEquals(0, p.removed());
    assertEquals(0, p.weights().density());
    assertEquals(Double.POSITIVE_INFINITY, p.error().sqnrDb());
    assertEquals(0, Pruner.nOfM(w, TWO_OF_FOUR, arena).removed());
  }

  @Test
  void growingSharesRemoveMoreOfTheSame() {
    Dense w = dense("w", 16, 32, random.normals(512, 1));
    CubicSchedule schedule = new CubicSchedule(0, 0.9, 10, 20);
    Dense gradual = w;
    for (int step = 0; step <= 25; step += 5) {
      gradual = (Dense) Pruner.unstructured(gradual, schedule.at(step), arena).weights().values();
    }
    Dense once = (Dense) Pruner.unstructured(w, 0.9, arena).weights().values();
    assertArrayEquals(values(once), values(gradual), random.toString());
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 50, Double.NaN, Double.POSITIVE_INFINITY})
  void badSharesAreNamed(double share) {
    Dense w = dense("w", 2, 2, 1, 2, 3, 4);
    String what = "from 0 to below 1, got " + share;
    expect(what, () -> Pruner.unstructured(w, share, arena));
    expect(what, () -> Pruner.blocks(w, new Sparsity.Blocks(2, 1), Norm.L2, share, arena));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNotFiniteIsNamed(float value) {
    Dense good = dense("good", 1, 1, 1);
    Dense bad = dense("bad", 2, 3, 1, 2, 3, 4, 5, value);
    String what = "bad: the weight at row 1, column 2 is " + value;
    expect(what, () -> Pruner.unstructured(List.of(good, bad), 0.5, arena));
    expect(what, () -> Pruner.nOfM(bad, TWO_OF_FOUR, arena));
    expect(what, () -> Pruner.blocks(bad, new Sparsity.Blocks(2, 1), Norm.L1, 0.5, arena));
  }

  @Test
  void cubicSchedule() {
    CubicSchedule schedule = new CubicSchedule(0.1, 0.9, 100, 200);
    assertEquals(0.1, schedule.at(0));
    assertEquals(0.1, schedule.at(100));
    assertEquals(0.9 - 0.8 / 8, schedule.at(150), 1e-15);
    assertEquals(0.9 - 0.8 * 0.421875, schedule.at(125), 1e-15);
    assertEquals(0.9, schedule.at(200));
    assertEquals(0.9, schedule.at(Long.MAX_VALUE));
    double before = 0;
    for (int step = 90; step < 210; step++) {
      assertTrue(schedule.at(step) >= before, "step " + step);
      before = schedule.at(step);
    }
    expect("got 0.5 to 0.4", () -> new CubicSchedule(0.5, 0.4, 0, 1));
    expect("got -0.1 to 0.4", () -> new CubicSchedule(-0.1, 0.4, 0, 1));
    expect("got 0.0 to 1.0", () -> new CubicSchedule(0, 1, 0, 1));
    expect("got NaN to 0.5", () -> new CubicSchedule(Double.NaN, 0.5, 0, 1));
    expect("got 0.0 to NaN", () -> new CubicSchedule(0, Double.NaN, 0, 1));
    expect("got 5 to 5", () -> new CubicSchedule(0, 0.5, 5, 5));
    expect("got -1 to 5", () -> new CubicSchedule(0, 0.5, -1, 5));
  }

  private static float[] values(FullTensor w) {
    float[] all = new float[w.rows() * w.columns()];
    float[] row = new float[w.columns()];
    for (int r = 0; r < w.rows(); r++) {
      w.decodeRow(r, row);
      System.arraycopy(row, 0, all, r * row.length, row.length);
    }
    return all;
  }

  private Dense dense(String name, int rows, int columns, float... values) {
    return new Dense(
        name, rows, columns, DType.F32, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
