package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {
  @Test
  void jsonFileHoldsTheResultAndPeopleGetTheReport(@TempDir Path folder) throws Exception {
    FakeHost host = new FakeHost();
    Path file = folder.resolve("demo.json");
    CliRun run = CliRun.of(host, "", "demo", "--json", file.toString(), "--model", "fake");
    assertEquals(0, run.code(), run.err());
    assertEquals(0, host.open);

    List<String> lines = Files.readAllLines(file);
    assertEquals(1, lines.size());
    JsonNode json = Json.MAPPER.readTree(lines.getFirst());
    assertEquals(List.of("model", "threads", "schemes", "worst_layers", "explain"), names(json));
    assertEquals("fake", json.get("model").textValue());
    assertEquals(3, json.get("threads").intValue());
    assertEquals(2, json.get("schemes").size());
    for (JsonNode scheme : json.get("schemes")) {
      assertEquals(
          List.of("scheme", "bytes", "sentences_per_s", "cosine_mean", "cosine_min"),
          names(scheme));
      assertEquals(List.of("1x16", "8x128", "32x128"), names(scheme.get("sentences_per_s")));
      // A pass takes 10 ms.
      assertEquals(100, scheme.get("sentences_per_s").get("1x16").doubleValue());
      assertEquals(800, scheme.get("sentences_per_s").get("8x128").doubleValue());
      assertEquals(3200, scheme.get("sentences_per_s").get("32x128").doubleValue());
    }
    JsonNode f32 = json.get("schemes").get(0);
    JsonNode w8a8 = json.get("schemes").get(1);
    assertEquals("f32", f32.get("scheme").textValue());
    assertEquals(4000, f32.get("bytes").longValue());
    assertEquals(1.0, f32.get("cosine_min").doubleValue());
    assertEquals("w8a8", w8a8.get("scheme").textValue());
    double min = w8a8.get("cosine_min").doubleValue();
    assertTrue(min < 1 && min <= w8a8.get("cosine_mean").doubleValue(), w8a8.toString());

    List<String> worst = new ArrayList<>();
    json.get("worst_layers").forEach(l -> worst.add(l.get("layer").textValue()));
    assertEquals(List.of("table", "l5", "l4", "l3", "l2"), worst);
    assertEquals(10, json.get("worst_layers").get(0).get("sqnr_db").doubleValue());
    // The worst of all is no layer that runs: the next one is explained.
    assertEquals("l5 runs on fake", json.get("explain").textValue());

    assertTrue(run.out().contains("l5 runs on fake"), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 80), run.out());
  }

  @Test
  void jsonAloneIsTheOnlyLineOfStandardOutput() throws Exception {
    CliRun run = CliRun.of(new FakeHost(), "", "demo", "--json", "--threads", "2");
    assertEquals(0, run.code(), run.err());
    assertEquals(1, run.out().lines().count(), run.out());
    assertEquals("minilm", Json.MAPPER.readTree(run.out()).get("model").textValue());
  }

  @Test
  void sparseComparesEveryPruningWithDenseInt8(@TempDir Path folder) throws Exception {
    FakeHost host = new FakeHost();
    Path file = folder.resolve("sparse.json");
    CliRun run = CliRun.of(host, "", "demo", "--sparse", "--json", file.toString());
    assertEquals(0, run.code(), run.err());
    assertEquals(0, host.open);
    JsonNode variants = Json.MAPPER.readTree(Files.readString(file)).get("sparse");
    assertEquals(SparseDemo.VARIANTS.size(), variants.size());
    for (int i = 0; i < variants.size(); i++) {
      JsonNode variant = variants.get(i);
      assertEquals(SparseDemo.VARIANTS.get(i).label(), variant.get("zeros").textValue());
      assertEquals(1, variant.get("speed_to_dense").get("8x128").doubleValue());
      assertEquals(800, variant.get("sentences_per_s").get("8x128").doubleValue());
      assertEquals(6, variant.get("layers").intValue());
      assertEquals(i == 1 ? 6 : 0, variant.get("layers_run_sparse").intValue());
    }
    double dense = variants.get(0).get("cosine_mean").doubleValue();
    double half = variants.get(3).get("cosine_mean").doubleValue();
    double most = variants.get(4).get("cosine_mean").doubleValue();
    assertTrue(most < half && half < dense && dense < 1, variants.toString());
    assertTrue(run.out().contains("unstructured, 70%"), run.out());
    assertTrue(run.out().lines().allMatch(l -> l.length() <= 100), run.out());
  }

  @Test
  void batchesHaveExactlyTheSizeAndRealTokens() {
    List<int[]> sentences = List.of(new int[] {101, 1, 2, 102}, new int[] {101, 3, 102});
    List<int[]> batch = new DemoSize(2, 6).batchOf(sentences);
    assertEquals(2, batch.size());
    assertArrayEquals(new int[] {101, 1, 2, 3, 1, 102}, batch.get(0));
    assertArrayEquals(new int[] {101, 2, 3, 1, 2, 102}, batch.get(1));
  }

  @Test
  void nearestLeavesTheSentenceItselfOut() {
    float[][] rows = {{1, 0}, {0.9f, 0.1f}, {0, 1}};
    assertEquals(1, Cosine.nearest(rows, 0));
    assertEquals(0, Cosine.nearest(rows, 1));
    assertEquals(1, Cosine.nearest(rows, 2));
  }

  private static List<String> names(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
