package dev.sinter.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PlannerTest {
  private record Fake(String name, Set<Class<? extends OpSpec>> operations, Support answer)
      implements Backend {
    @Override
    public Support supports(OpSpec spec) {
      return answer;
    }
  }

  private static final OpSpec QUANTIZE = new QuantizeSpec(8, ActivationScheme.U8_PER_TOKEN);
  private static final OpSpec NORM = new NormSpec(8, 0);

  private final Backend unable =
      new Fake("unable", Set.of(QuantizeSpec.class), Support.no("its library is missing"));
  private final Backend first = new Fake("first", Set.of(QuantizeSpec.class), Support.yes());
  private final Backend second =
      new Fake("second", Set.of(QuantizeSpec.class, NormSpec.class), Support.yes());
  private final List<Backend> order = List.of(unable, first, second);

  @Test
  void takesTheFirstThatCanAndKeepsEveryReason() {
    Planner.Choice choice = new Planner(order, null, Timings.none()).choose(QUANTIZE);
    assertEquals(first, choice.backend());
    assertEquals(
        List.of(
            new Planner.Verdict("unable", "its library is missing"),
            new Planner.Verdict("second", "comes after first")),
        choice.others());
  }

  @Test
  void aForcedBackendIsTakenOrPlanningFails() {
    assertEquals(second, new Planner(order, "second", Timings.none()).choose(QUANTIZE).backend());
    String message =
        assertThrows(
                IllegalStateException.class,
                () -> new Planner(order, "unable", Timings.none()).choose(QUANTIZE))
            .getMessage();
    assertTrue(message.contains("forced backend unable cannot run quantize"), message);
    assertTrue(message.contains("its library is missing"), message);
  }

  @Test
  void aForcedBackendWithoutTheOperationLeavesItToTheList() {
    assertEquals(second, new Planner(order, "first", Timings.none()).choose(NORM).backend());
  }

  @Test
  void anUnknownBackendIsRefusedWithTheKnownOnes() {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> new Planner(order, "third", Timings.none()))
            .getMessage();
    assertTrue(message.contains("'third'") && message.contains("unable, first, second"), message);
  }

  private static final MatmulSpec MATMUL =
      new MatmulSpec(512, 512, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);

  /** Backends a, b and c, which take so many milliseconds; 0 for not measured. */
  private static Planner.Choice chooseMeasured(String forced, double a, double b, double c) {
    Map<String, Double> millis = new HashMap<>(Map.of("a", a, "b", b, "c", c));
    List<Backend> able =
        Stream.of("a", "b", "c")
            .<Backend>map(name -> new Fake(name, Set.of(MatmulSpec.class), Support.yes()))
            .toList();
    millis.values().removeIf(ms -> ms == 0);
    Timings.Layer layer = new Timings.Layer(Timings.kind(MATMUL), 512, 512, 1);
    return new Planner(able, forced, new Timings(Map.of(layer, millis))).choose(MATMUL);
  }

  @Test
  void theFastestOfTheMeasuredIsTakenAndTheOthersSayByHowMuch() {
    Planner.Choice choice = chooseMeasured(null, 3, 2, 0);
    assertEquals("b", choice.backend().name());
    assertEquals(
        List.of(
            new Planner.Verdict("a", "took 1.50 times as long as b when measured"),
            new Planner.Verdict("c", "comes after b")),
        choice.others());
    assertEquals("c", chooseMeasured(null, 3, 2, 1).backend().name());
  }

  @Test
  void theListHoldsForTiesForTheUnmeasuredAndWithForce() {
    assertEquals("a", chooseMeasured(null, 1.04, 1, 1).backend().name());
    assertEquals("a", chooseMeasured(null, 0, 2, 1).backend().name());
    assertEquals("a", chooseMeasured(null, 1, 0, 0).backend().name());
    assertEquals("a", chooseMeasured("a", 3, 2, 1).backend().name());
  }

  @Test
  void nobodyCanIsAnErrorWithAllReasons() {
    String message =
        assertThrows(
                IllegalStateException.class,
                () -> new Planner(List.of(unable), null, Timings.none()).choose(QUANTIZE))
            .getMessage();
    assertTrue(message.contains("unable: its library is missing"), message);
  }

  /** A matmul that runs weights of one structure, null for dense ones. */
  private record Structured(String name, List<Sparsity> structures) implements Backend {
    @Override
    public Set<Class<? extends OpSpec>> operations() {
      return Set.of(MatmulSpec.class);
    }

    @Override
    public Support supports(OpSpec spec) {
      Sparsity sparsity = ((MatmulSpec) spec).sparsity();
      return structures.contains(sparsity) ? Support.yes() : Support.no("has no " + sparsity);
    }
  }

  private static final Sparsity.Blocks BLOCKS = new Sparsity.Blocks(16, 4);
  private static final MatmulSpec SPARSE =
      MatmulSpec.of(
          new Sparse(BLOCKS, new Dense("w", 1, 1, DType.F32, Arena.ofAuto().allocate(4))),
          ActivationScheme.FLOAT,
          Epilogue.NONE);
  private static final Backend DENSE = new Structured("dense", Arrays.asList((Sparsity) null));
  private static final Backend SKIPPING = new Structured("skipping", Arrays.asList(BLOCKS));
  private static final Backend BOTH = new Structured("both", Arrays.asList(BLOCKS, null));

  private static Planner.Choice chooseSparse(String forced, Backend... order) {
    return new Planner(List.of(order), forced, Timings.none()).choose(SPARSE);
  }

  @Test
  void sparseWeightsRunOnTheFirstBackendThatHasAKernelForThem() {
    assertEquals(BOTH, chooseSparse(null, BOTH, DENSE).backend());
    Planner.Choice choice = chooseSparse(null, SKIPPING, DENSE, BOTH);
    assertEquals(SKIPPING, choice.backend());
    assertEquals(SPARSE, choice.spec());
    assertNull(choice.keptDense());
    assertEquals(
        List.of(
            new Planner.Verdict("dense", "has no 16x4 blocks"),
            new Planner.Verdict("both", "comes after skipping")),
        choice.others());
  }

  @Test
  void sparseWeightsAreKeptDenseWhereADenseKernelComesFirst() {
    Planner.Choice choice = chooseSparse(null, DENSE, SKIPPING, BOTH);
    assertEquals(DENSE, choice.backend());
    assertEquals(SPARSE.dense(), choice.spec());
    String why = "F32 16x4 blocks kept as dense F32: dense has no 16x4 blocks";
    assertEquals(why, choice.keptDense());
    Kernel kernel = new ReferenceBackend().quantize((QuantizeSpec) QUANTIZE);
    assertTrue(choice.explain(kernel).contains("\n  " + why + "\n  runs on dense: "));
  }

  @Test
  void aForcedBackendDecidesAboutSparseWeightsAlone() {
    assertEquals(SPARSE, chooseSparse("both", DENSE, BOTH).spec());
    assertEquals(SPARSE, chooseSparse("skipping", DENSE, SKIPPING).spec());
    Planner.Choice choice = chooseSparse("dense", SKIPPING, BOTH, DENSE);
    assertEquals(DENSE, choice.backend());
    assertEquals(SPARSE.dense(), choice.spec());
    Backend other = new Structured("other", Arrays.asList(Sparsity.UNSTRUCTURED));
    String message =
        assertThrows(IllegalStateException.class, () -> chooseSparse("other", BOTH, other))
            .getMessage();
    assertTrue(message.contains("other: has no 16x4 blocks"), message);
  }
}
