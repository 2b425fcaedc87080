package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitPrunerTest {
  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofAuto();

  @Test
  void neurons() {
    // Over both matrices the L1 norms are 4, 4, 4 and 7: of the equal ones the first stays.
    Dense up = dense("up", 4, 2, 1, 1, 2, 0, 2, 1, 0, 0);
    Dense down = dense("down", 2, 4, 1, 2, 0, 4, 1, 0, -1, 3);
    UnitPruner.Smaller s = UnitPruner.remove(List.of(up), down, 4, Norm.L1, 0.5, arena);
    assertArrayEquals(new int[] {0, 3}, s.kept());
    assertArrayEquals(new float[] {1, 1, 0, 0}, values(s.producers().getFirst()));
    assertArrayEquals(new float[] {1, 4, 1, 3}, values(s.consumer()));
    assertArrayEquals(new float[] {5, 8}, s.keep(new float[] {5, 6, 7, 8}));
    assertEquals(8, s.removed());
    assertEquals(0.5, s.density());
    assertEquals(2, s.error().maxError());
    assertEquals(10 * Math.log10(32 / 5.0), s.error().sqnrDb(), 1e-12);
  }

  /** Two heads of keys and values for four of queries: these go in twos. */
  @Test
  void headsWithGroupedQueries() {
    int dim = 3;
    Dense query = dense("query", 4 * dim, 5, random.normals(4 * dim * 5, 1));
    Dense key = dense("key", 2 * dim, 5, random.normals(2 * dim * 5, 1));
    float[] large = random.normals(2 * dim * 5, 1);
    large[dim * 5] = 100; // in the second head
    Dense value = dense("value", 2 * dim, 5, large);
    Dense output = dense("output", 5, 4 * dim, random.normals(5 * 4 * dim, 1));
    UnitPruner.Smaller s =
        UnitPruner.remove(List.of(query, key, value), output, 2, Norm.L2, 0.5, arena);
    assertArrayEquals(new int[] {1}, s.kept(), random.toString());
    assertEquals(List.of(2 * dim, dim, dim), s.producers().stream().map(Dense::rows).toList());
    assertEquals(2 * dim, s.consumer().columns());
    float[] left = values(s.producers().getFirst());
    assertArrayEquals(Arrays.copyOfRange(values(query), 2 * dim * 5, 4 * dim * 5), left);
    float[] before = values(output);
    float[] after = values(s.consumer());
    for (int r = 0; r < 5; r++) {
      for (int k = 0; k < 2 * dim; k++) {
        assertEquals(before[r * 4 * dim + 2 * dim + k], after[r * 2 * dim + k]);
      }
    }
    assertEquals((2 + 1 + 1 + 2) * dim * 5, s.removed());
  }

  /** A network with fewer neurons gives what the whole one does when those neurons are silent. */
  @ParameterizedTest
  @EnumSource
  void theSmallerNetworkIsTheOneWithSilentUnits(Norm norm) {
    int in = 6;
    int units = 10;
    int out = 7;
    Dense up = dense("up", units, in, random.normals(units * in, 1)).toBf16(arena);
    Dense down = dense("down", out, units, random.normals(out * units, 1)).toBf16(arena);
    float[] bias = random.normals(units, 1);
    UnitPruner.Smaller s = UnitPruner.remove(List.of(up), down, units, norm, 0.3, arena);
    assertEquals(7, s.kept().length);
    assertEquals(DType.BF16, s.consumer().dtype());
    float[] x = random.normals(in, 1);
    double[] hidden = hidden(up, bias, x);
    double[] few = hidden(s.producers().getFirst(), s.keep(bias), x);
    float[] row = new float[units];
    float[] shorter = new float[few.length];
    for (int r = 0; r < out; r++) {
      down.decodeRow(r, row);
      s.consumer().decodeRow(r, shorter);
      double expected = 0;
      for (int unit : s.kept()) {
        expected += row[unit] * hidden[unit];
      }
      double actual = 0;
      for (int i = 0; i < few.length; i++) {
        actual += shorter[i] * few[i];
      }
      assertEquals(expected, actual, random.toString());
    }
  }

  private static double[] hidden(Dense up, float[] bias, float[] x) {
    double[] hidden = new double[up.rows()];
    float[] row = new float[x.length];
    for (int r = 0; r < hidden.length; r++) {
      up.decodeRow(r, row);
      double sum = bias[r];
      for (int k = 0; k < x.length; k++) {
        sum += row[k] * x[k];
      }
      hidden[r] = Math.max(0, sum);
    }
    return hidden;
  }

  @Test
  void nothingToRemoveLeavesAll() {
    Dense up = dense("up", 3, 1, 0, 0, 0);
    Dense down = dense("down", 1, 3, 0, 0, 0);
    UnitPruner.Smaller s = UnitPruner.remove(List.of(up, up), down, 3, Norm.L2, 0.1, arena);
    assertArrayEquals(new int[] {0, 1, 2}, s.kept());
    assertEquals(0, s.removed());
    assertEquals(2, s.producers().size());
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, Double.NaN})
  void badSharesAreNamed(double share) {
    Dense w = dense("w", 2, 2, 1, 2, 3, 4);
    expect(
        "from 0 to below 1, got " + share,
        () -> UnitPruner.remove(List.of(w), w, 2, Norm.L1, share, arena));
  }

  @Test
  void badArgumentsAreNamed() {
    Dense six = dense("six", 6, 1, 1, 2, 3, 4, 5, 6);
    Dense consumer = dense("consumer", 1, 6, 1, 2, 3, 4, 5, 6);
    Dense four = dense("four", 4, 1, 1, 2, 3, Float.NaN);
    expect("four: rows of 4 are no multiple of the 6 units", six(List.of(six, four), consumer));
    expect("six: columns of 1 are no multiple of the 6 units", six(List.of(six), six));
    expect(
        "four: the weight at row 3, column 0 is NaN",
        () -> UnitPruner.remove(List.of(four), consumer, 2, Norm.L1, 0.5, arena));
    expect(
        "of 1 units leaves none",
        () -> UnitPruner.remove(List.of(six), consumer, 1, Norm.L1, 0.6, arena));
    expect(
        "of 0 units leaves none",
        () -> UnitPruner.remove(List.of(six), consumer, 0, Norm.L1, 0.6, arena));
    UnitPruner.Smaller s = UnitPruner.remove(List.of(six), consumer, 6, Norm.L1, 0.5, arena);
    expect("bias of 5 are no multiple of the 6 units", () -> s.keep(new float[5]));
  }

  private Runnable six(List<Dense> producers, Dense consumer) {
    return () -> UnitPruner.remove(producers, consumer, 6, Norm.L1, 0.5, arena);
  }

  private static float[] values(Dense w) {
    float[] all = new float[w.rows() * w.columns()];
    for (int i = 0; i < all.length; i++) {
      all[i] = w.dtype().readFloat(w.data(), i);
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
