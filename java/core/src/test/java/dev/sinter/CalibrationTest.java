package dev.sinter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Timings;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.testing.NativeBuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;

class CalibrationTest {
  private static final MatmulSpec F32 =
      new MatmulSpec(512, 512, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);

  @TempDir private Path folder;

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void measuresWhatSeveralNativeBackendsRun() {
    int[] steps = new int[2];
    Timings timings =
        Calibration.measure(
            SinterOptions.defaults().withThreads(1).withBackend("reference"),
            (what, done, total) -> {
              assertEquals(steps[0]++, done, what);
              steps[1] = total;
            });
    assertEquals(steps[1] + 1, steps[0], "the last step says that all is done");
    Map<String, Double> slowdowns = timings.slowdowns(F32, Set.of("cpu", "onednn"));
    assertEquals(Set.of("cpu", "onednn"), slowdowns.keySet(), timings.toString());
    timings.millis().forEach((layer, times) -> assertTrue(times.size() > 1, layer.toString()));
    for (String kind :
        List.of("i8-per-channel-2:4.u8_per_token", "i8-per-channel-blocks.u8_per_token")) {
      for (int size : new int[] {512, 4096}) {
        for (int m : new int[] {1, 32}) {
          Timings.Layer layer = new Timings.Layer(kind, size, size, 50, m);
          assertEquals(Set.of("cpu", Timings.DENSE), timings.millis().get(layer).keySet());
        }
      }
    }
  }

  @Test
  void aPlanFromAFileIsFollowed() throws IOException {
    // As if our own kernel were the slower one by far: it is not.
    Path file = folder.resolve("plan.properties");
    Timings.Layer layer = new Timings.Layer(Timings.kind(F32), 512, 512, 1);
    Calibration.save(
        new Timings(
            Map.of(layer, Map.of("cpu", 9.0, "onednn", 5.0, "vector", 8.0, "reference", 1.0))),
        SinterOptions.defaults(),
        file);
    SinterOptions pinned = SinterOptions.defaults().withThreads(1).withPlan(file.toString());
    try (Sinter sinter = Sinter.open(pinned)) {
      assertEquals("reference", sinter.planner().choose(F32).backend().name());
    }
    try (Sinter sinter = Sinter.open(pinned.withPlan(SinterOptions.NO_PLAN))) {
      assertNotEquals("reference", sinter.planner().choose(F32).backend().name());
    }
  }

  @Test
  void aPinnedPlanMustBeThereAndWhole() throws IOException {
    Path file = folder.resolve("plan.properties");
    SinterOptions pinned = SinterOptions.defaults().withPlan(file.toString());
    assertRefused(pinned, "no file");
    Files.writeString(file, "nonsense=1");
    assertRefused(pinned, "nonsense");
  }

  private static void assertRefused(SinterOptions options, String part) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Sinter.open(options)).getMessage();
    assertTrue(message.contains("sinter.plan") && message.contains(part), message);
  }

  @Test
  void filesBelongToThreadsAndInstructionSets() {
    SinterOptions options = SinterOptions.defaults().withThreads(1);
    Path file = Calibration.file(options);
    assertEquals(file, Calibration.file(options.withBackend("cpu").withPlan("off")));
    for (SinterOptions other : List.of(options.withThreads(2), options.withIsa("scalar"))) {
      assertNotEquals(file, Calibration.file(other));
    }
    assertFalse(Files.isDirectory(file));
  }
}
