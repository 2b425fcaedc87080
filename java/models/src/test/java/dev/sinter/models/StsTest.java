package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StsTest {
  @Test
  void spearmanSharesRanksOfEqualValues() {
    assertEquals(1, Spearman.correlation(new double[] {1, 2, 9}, new double[] {-3, 0, 1}));
    assertEquals(-1, Spearman.correlation(new double[] {1, 2, 9}, new double[] {5, 4, -1}));
    // Ranks 1 2.5 2.5 4 and 1 3 2 4: 4.5 / sqrt(4.5 * 5).
    double tied = Spearman.correlation(new double[] {1, 2, 2, 3}, new double[] {1, 3, 2, 4});
    assertEquals(Math.sqrt(0.9), tied, 1e-15);
    assertThrows(
        IllegalArgumentException.class,
        () -> Spearman.correlation(new double[] {1, 1}, new double[] {1, 2}));
    assertThrows(
        IllegalArgumentException.class,
        () -> Spearman.correlation(new double[] {1, Double.NaN}, new double[] {1, 2}));
  }

  @Test
  void pairsAreReadAndBadLinesNamed(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("sts.csv");
    Files.writeString(file, "g\tf\t2012\t7\t3.40\tA \"cat\".\tA dog, too.\textra\n");
    assertEquals(List.of(new StsPairs.Pair(3.4, "A \"cat\".", "A dog, too.")), StsPairs.read(file));
    for (String bad : List.of("g\tf\ty\ti\t9\ta\tb", "g\tf\ty\ti\tx\ta\tb", "g\tf\ty\ti\t1\ta")) {
      Files.writeString(file, "g\tf\ty\ti\t1\ta\tb\n" + bad + "\n");
      String message =
          assertThrows(IllegalArgumentException.class, () -> StsPairs.read(file)).getMessage();
      assertTrue(message.contains("line 2"), message);
    }
    assertThrows(UncheckedIOException.class, () -> StsPairs.read(folder.resolve("none")));
  }
}
