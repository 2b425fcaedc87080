package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.models.Pooling;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbedCommandTest {
  private final FakeHost host = new FakeHost();

  @Test
  void oneLineOfJsonASentenceInOrderWithoutBlankLines() throws Exception {
    CliRun run = CliRun.of(host, "aab\r\n\n   \nün \"c\" \\ \t d", "embed", "--model", "m");
    assertEquals(0, run.code(), run.err());
    List<String> lines = run.out().lines().toList();
    assertEquals(2, lines.size(), run.out());
    assertEquals("aab", Json.MAPPER.readTree(lines.get(0)).get("text").textValue());
    JsonNode second = Json.MAPPER.readTree(lines.get(1));
    assertEquals("ün \"c\" \\ \t d", second.get("text").textValue());
    // 1e-5f, as a plain decimal
    assertTrue(lines.get(1).endsWith("\"embedding\":[0.000010,0.0,1.0,1.0]}"), lines.get(1));
    assertEquals(1e-5f, second.get("embedding").get(0).floatValue());
  }

  @Test
  void numbersDoNotDependOnTheLocale() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY);
    try {
      CliRun run = CliRun.of(host, "ab", "embed", "--model", "m", "--scheme", "w8a8");
      assertEquals("{\"text\":\"ab\",\"embedding\":[1.01,1.0,0.0,0.0]}\n", run.out());
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void longInputGoesThroughInBatches(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("in.txt");
    Files.write(file, IntStream.range(0, 150).mapToObj(i -> "a" + i).toList());
    CliRun run = CliRun.of(host, "", "embed", "--model", "m", "--input", file.toString());
    assertEquals(0, run.code(), run.err());
    assertEquals(150, run.out().lines().count());
    assertEquals(List.of(64, 64, 22), host.batches.stream().map(List::size).toList());
    assertEquals(
        Files.readAllLines(file),
        host.batches.stream().flatMap(List::stream).collect(Collectors.toList()));
  }

  @Test
  void poolingIsTheModelsUnlessItIsChosen() {
    CliRun.of(host, "a", "embed", "--model", "m");
    assertEquals(null, host.pooling);
    CliRun run = CliRun.of(host, "a", "embed", "--model", "m", "--pooling", "cls");
    assertEquals(0, run.code(), run.err());
    assertEquals(Pooling.CLS, host.pooling);
  }

  @Test
  void nothingInNothingOut() {
    CliRun run = CliRun.of(host, "", "embed", "--model", "m");
    assertEquals(0, run.code(), run.err());
    assertEquals("", run.out());
    assertEquals(List.of(), host.batches);
  }

  @Test
  void bytesThatAreNotUtf8AreRefusedWithTheirLine() {
    byte[] in = "good\nbad \u00fc\n".getBytes(StandardCharsets.ISO_8859_1);
    CliRun run = CliRun.of(options -> host, in, "embed", "--model", "m");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("standard input, line 2: not UTF-8\nhint: "), run.err());
  }
}
