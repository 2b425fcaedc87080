package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {
  private static String pair(double score, String first, String second) {
    return "main\tfile\t2014\t1\t" + score + "\t" + first + "\t" + second;
  }

  @Test
  void ratesPairsInTheOrderOfTheFile(@TempDir Path folder) throws Exception {
    Path sts = folder.resolve("sts.csv");
    // Cosines 1, about 0.7 and about 0; scores order the first two the other way round: 50.
    Files.write(sts, List.of(pair(3, "b", "b"), pair(4, "b", "bc"), pair(1, "b", "c")));
    FakeHost host = new FakeHost();
    String file = sts.toString();
    CliRun json =
        CliRun.of(host, "", "evaluate", "--model=m", "--sts", file, "--scheme=w8a8", "--json");
    assertEquals(0, json.code(), json.err());
    assertEquals("{\"scheme\":\"w8a8\",\"pairs\":3,\"spearman\":50.0000}\n", json.out());
    assertEquals(List.of(List.of("b", "b", "b", "bc", "b", "c")), host.batches);

    CliRun people = CliRun.of(host, "", "evaluate", "--model=m", "--sts", file, "--scheme=f32");
    assertTrue(people.out().contains("50.00"), people.out());
  }

  @Test
  void onePairIsNotEnough(@TempDir Path folder) throws Exception {
    Path sts = folder.resolve("sts.csv");
    Files.write(sts, List.of(pair(3, "b", "b")));
    CliRun run =
        CliRun.of(
            new FakeHost(), "", "evaluate", "--model=m", "--sts", sts.toString(), "--scheme=f32");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("needs at least 2"), run.err());
  }
}
