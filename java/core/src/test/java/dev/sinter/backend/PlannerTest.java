package dev.sinter.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
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
}
