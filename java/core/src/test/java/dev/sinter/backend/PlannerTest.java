package dev.sinter.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.ActivationScheme;
import java.util.List;
import java.util.Set;
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
    Planner.Choice choice = new Planner(order, null).choose(QUANTIZE);
    assertEquals(first, choice.backend());
    assertEquals(
        List.of(
            new Planner.Verdict("unable", "its library is missing"),
            new Planner.Verdict("second", "comes after first")),
        choice.others());
  }

  @Test
  void aForcedBackendIsTakenOrPlanningFails() {
    assertEquals(second, new Planner(order, "second").choose(QUANTIZE).backend());
    String message =
        assertThrows(
                IllegalStateException.class, () -> new Planner(order, "unable").choose(QUANTIZE))
            .getMessage();
    assertTrue(message.contains("forced backend unable cannot run quantize"), message);
    assertTrue(message.contains("its library is missing"), message);
  }

  @Test
  void aForcedBackendWithoutTheOperationLeavesItToTheList() {
    assertEquals(second, new Planner(order, "first").choose(NORM).backend());
  }

  @Test
  void anUnknownBackendIsRefusedWithTheKnownOnes() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> new Planner(order, "third"))
            .getMessage();
    assertTrue(message.contains("'third'") && message.contains("unable, first, second"), message);
  }

  @Test
  void nobodyCanIsAnErrorWithAllReasons() {
    String message =
        assertThrows(
                IllegalStateException.class,
                () -> new Planner(List.of(unable), null).choose(QUANTIZE))
            .getMessage();
    assertTrue(message.contains("unable: its library is missing"), message);
  }
}
