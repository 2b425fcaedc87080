package dev.sinter.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the planner makes of timings of sparse weights; no time is taken. */
class SparsePlannerTest {
  /** Runs dense weights, and sparse ones if it says so. */
  private record Fake(String name, boolean sparse, boolean dense) implements Backend {
    @Override
    public Set<Class<? extends OpSpec>> operations() {
      return Set.of(MatmulSpec.class);
    }

    @Override
    public Support supports(OpSpec spec) {
      boolean can = ((MatmulSpec) spec).sparsity() == null ? dense : sparse;
      return can ? Support.yes() : Support.no("has no such kernel");
    }
  }

  private static final Backend OURS = new Fake("ours", true, true);
  private static final Backend OTHER = new Fake("other", false, true);
  private static final int SIZE = 8;

  /** Of 8x8 weights, the first {@code kept} of each row. */
  private static Sparse weights(Sparsity sparsity, int kept) {
    Dense dense = new Dense("w", SIZE, SIZE, DType.F32, Arena.ofAuto().allocate(4L * SIZE * SIZE));
    for (int i = 0; i < SIZE * SIZE; i++) {
      dense.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, i % SIZE < kept ? 1 : 0);
    }
    return new Sparse(sparsity, dense);
  }

  private static MatmulSpec spec(Sparse weights) {
    return MatmulSpec.of(weights, ActivationScheme.FLOAT, Epilogue.NONE);
  }

  /** Timings of sparse weights on {@code ours}, so many times as fast as dense ones. */
  private static Timings timings(Sparse weights, int percent, Map<Integer, Double> speedups) {
    Map<Timings.Layer, Map<String, Double>> millis = new LinkedHashMap<>();
    add(millis, weights, percent, speedups);
    return new Timings(millis);
  }

  private static void add(
      Map<Timings.Layer, Map<String, Double>> millis,
      Sparse weights,
      int percent,
      Map<Integer, Double> speedups) {
    speedups.forEach(
        (m, times) ->
            millis.put(
                new Timings.Layer(Timings.kind(spec(weights)), 64, 64, percent, m),
                Map.of("ours", 2.0 * m, Timings.DENSE, 2.0 * m * times)));
  }

  private static Packing pack(Timings timings, Sparse weights, String forced, Backend... order) {
    return new Planner(List.of(order), forced, timings).pack(spec(weights), weights);
  }

  private static final Sparsity TWO_OF_FOUR = new Sparsity.NofM(2, 4);

  @Test
  void eachFormRunsWhereItIsFaster() {
    Sparse w = weights(TWO_OF_FOUR, 2);
    Timings timings = timings(w, 50, Map.of(1, 2.0, 4, 0.5, 32, 0.8));
    Packing packing = pack(timings, w, null, OURS, OTHER);
    assertTrue(packing.isBoth());
    assertEquals(2, packing.most(), "half the way from 1 to 4, as factors go");
    assertEquals(spec(w), packing.few().spec());
    assertEquals(
        "for M up to 2, M=1: sparse 2.00x (timed at density 0.50)", packing.few().measured());
    assertEquals(spec(w).dense(), packing.more().spec());
    assertEquals(
        "F32 2:4 kept as dense F32 for M above 2, M=4: sparse 0.50x, M=32: sparse 0.80x (timed at"
            + " density 0.50)",
        packing.more().keptDense());
    Packing dense = packing.dense("no room");
    assertFalse(dense.isBoth());
    assertEquals(spec(w).dense(), dense.few().spec());
    assertTrue(
        dense.few().keptDense().endsWith("M=1: sparse 2.00x (timed at density 0.50)): no room"));
  }

  @Test
  void sparseWeightsMayBeTheOnesForManyRows() {
    Sparse w = weights(Sparsity.UNSTRUCTURED, 4);
    Packing packing = pack(timings(w, 50, Map.of(1, 0.5, 32, 2.0)), w, null, OURS);
    assertNotNull(packing.few().keptDense());
    assertNull(packing.more().keptDense());
    assertEquals(5, packing.most());
  }

  @Test
  void oneFormWhereItIsBestThroughout() {
    Sparse w = weights(TWO_OF_FOUR, 2);
    Packing slow = pack(timings(w, 50, Map.of(1, 1.05, 32, 0.9)), w, null, OURS);
    assertFalse(slow.isBoth(), "a gain of 5% is not worth the memory");
    assertEquals(
        "F32 2:4 kept as dense F32 for M=1: sparse 1.05x, M=32: sparse 0.90x (timed at density"
            + " 0.50)",
        slow.few().keptDense());
    Packing fast = pack(timings(w, 50, Map.of(1, 2.0, 32, 0.95)), w, null, OURS);
    assertFalse(fast.isBoth());
    assertEquals(spec(w), fast.few().spec());
    assertEquals(
        "M=1: sparse 2.00x, M=32: sparse 0.95x (timed at density 0.50)", fast.few().measured());
  }

  /** Results of a row would depend on the number of rows. */
  @Test
  void twoBackendsNeverShareALayer() {
    Sparse w = weights(TWO_OF_FOUR, 2);
    Timings timings = timings(w, 50, Map.of(1, 2.0, 32, 0.5));
    Packing packing = pack(timings, w, null, new Fake("ours", true, false), OTHER);
    assertFalse(packing.isBoth());
    assertEquals("other", packing.few().backend().name());
    assertTrue(
        packing.few().keptDense().endsWith("dense weights run on other, sparse ones do not"));
  }

  @Test
  void timesLieOnALineBetweenDensitiesAndBeyondThem() {
    Sparsity blocks = new Sparsity.Blocks(8, 1);
    Map<Timings.Layer, Map<String, Double>> millis = new LinkedHashMap<>();
    add(millis, weights(blocks, 2), 25, Map.of(1, 2.0)); // half the time of dense ones
    add(millis, weights(blocks, 4), 50, Map.of(1, 1.0));
    Timings timings = new Timings(millis);
    assertEquals(
        "M=1: sparse 2.00x", timings.speedups(spec(weights(blocks, 1)), 0.125, "ours") + "");
    assertEquals(
        "M=1: sparse 1.33x", timings.speedups(spec(weights(blocks, 3)), 0.375, "ours") + "");
    assertEquals(
        "M=1: sparse 0.67x", timings.speedups(spec(weights(blocks, 6)), 0.75, "ours") + "");
    assertNull(timings.speedups(spec(weights(blocks, 3)), 0.375, "other"));
    assertNull(timings.speedups(spec(weights(TWO_OF_FOUR, 2)), 0.5, "ours"));
    // All blocks are of one kind.
    Sparse other = weights(new Sparsity.Blocks(4, 2), 4);
    assertEquals("M=1: sparse 1.00x", timings.speedups(spec(other), 0.5, "ours") + "");
  }

  /** Runs some structures, gaining below a density. */
  private record Only(Set<Sparsity> structures, double crossover) implements Backend {
    @Override
    public String name() {
      return "ours";
    }

    @Override
    public Set<Class<? extends OpSpec>> operations() {
      return Set.of(MatmulSpec.class);
    }

    @Override
    public Support supports(OpSpec spec) {
      Sparsity sparsity = ((MatmulSpec) spec).sparsity();
      boolean can = sparsity == null || structures.contains(sparsity);
      return can ? Support.yes() : Support.no("has no such kernel");
    }

    @Override
    public double crossover(MatmulSpec spec) {
      return crossover;
    }
  }

  @Test
  void zerosAreTakenForWhatWasTimedToBeFaster() {
    Sparsity blocks = new Sparsity.Blocks(16, 4);
    Sparse fine = weights(new Sparsity.Blocks(1, 16), 4);
    Backend only = new Only(Set.of(blocks, Sparsity.UNSTRUCTURED, TWO_OF_FOUR), 1);
    Map<Timings.Layer, Map<String, Double>> millis = new LinkedHashMap<>();
    add(millis, fine.as(blocks), 50, Map.of(1, 1.2, 32, 1.1));
    Packing packing = pack(new Timings(millis), fine, null, only);
    assertEquals(spec(fine).with(blocks), packing.few().spec());
    assertEquals(
        "1x16 blocks taken as 16x4 blocks, M=1: sparse 1.20x, M=32: sparse 1.10x (timed at density 0.50)",
        packing.few().measured());
    add(millis, fine.as(Sparsity.UNSTRUCTURED), 50, Map.of(1, 2.0, 32, 1.5));
    packing = pack(new Timings(millis), fine, null, only);
    assertEquals(spec(fine).with(Sparsity.UNSTRUCTURED), packing.few().spec());
    Sparse pattern = weights(TWO_OF_FOUR, 2);
    add(millis, pattern, 50, Map.of(1, 1.6, 32, 0.8)); // in both forms no match for the others
    packing = pack(new Timings(millis), pattern, null, only);
    assertEquals(spec(pattern).with(Sparsity.UNSTRUCTURED), packing.few().spec());
  }

  @Test
  void whatIsSlowInAnyStructureIsKeptDense() {
    Sparsity blocks = new Sparsity.Blocks(16, 4);
    Sparse fine = weights(new Sparsity.Blocks(1, 16), 8);
    Map<Timings.Layer, Map<String, Double>> millis = new LinkedHashMap<>();
    add(millis, fine.as(blocks), 50, Map.of(1, 1.8));
    add(millis, fine.as(blocks), 100, Map.of(1, 0.9));
    Packing packing = pack(new Timings(millis), fine, null, new Only(Set.of(blocks), 1));
    assertEquals(
        "F32 1x16 blocks kept as dense F32: taken as 16x4 blocks, M=1: sparse 0.90x (timed at"
            + " density 1.00)",
        packing.few().keptDense());
    assertNull(((MatmulSpec) packing.few().spec()).sparsity());
  }

  @Test
  void withoutTimingsTheBackendKnowsFromWhereOnItGains() {
    Backend only = new Only(Set.of(Sparsity.UNSTRUCTURED), 0.25);
    Sparse few = weights(Sparsity.UNSTRUCTURED, 2);
    assertEquals(spec(few), pack(Timings.none(), few, null, only).few().spec());
    Sparse more = weights(Sparsity.UNSTRUCTURED, 4);
    assertEquals(
        "F32 unstructured kept as dense F32: ours gains at density 0.25 or less, this is 0.50",
        pack(Timings.none(), more, null, only).few().keptDense());
    assertEquals(spec(more), pack(Timings.none(), more, "ours", only).few().spec());
  }

  @Test
  void withoutTimingsTheListDecides() {
    Sparse pattern = weights(TWO_OF_FOUR, 2);
    Packing packing = pack(Timings.none(), pattern, null, OURS, OTHER);
    assertTrue(packing.few().keptDense().contains("was not timed (sinter calibrate)"));
    assertEquals(spec(pattern), pack(Timings.none(), pattern, "ours", OTHER, OURS).few().spec());
    Sparse blocks = weights(new Sparsity.Blocks(8, 1), 4);
    assertEquals(spec(blocks), pack(Timings.none(), blocks, null, OURS).few().spec());
    Sparse none = weights(Sparsity.UNSTRUCTURED, 4);
    assertEquals(
        "F32 unstructured kept as dense F32: other has no such kernel",
        pack(Timings.none(), none, null, OTHER, OURS).few().keptDense());
  }

  @Test
  void theBudgetIsForAllAndComesBack() {
    PackingBudget budget = new PackingBudget(100);
    assertNull(budget.take(60));
    String refusal = budget.take(41);
    assertTrue(refusal.contains("41 bytes") && refusal.contains("40 left"), refusal);
    budget.giveBack(60);
    assertNull(budget.take(100));
  }
}
