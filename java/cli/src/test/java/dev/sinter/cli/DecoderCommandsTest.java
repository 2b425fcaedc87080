package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** generate, perplexity and synthesize, on a small model with random weights. */
class DecoderCommandsTest {
  @TempDir private static Path scratch;

  private static CliRun run(String... args) {
    return CliRun.of(new FakeHost(), "", args);
  }

  private static String model() {
    return scratch.resolve("tiny").toString();
  }

  @BeforeAll
  static void synthesize() {
    CliRun run = run("synthesize", "--arch", "tiny", "--context", "90", "--seed", "4", model());
    assertEquals(0, run.code(), run.err());
    assertEquals(model() + "\n", run.out());
  }

  private static CliRun generate(String... more) {
    List<String> args =
        new ArrayList<>(List.of("generate", "--model", model(), "--prompt", "a b", "--threads=2"));
    args.addAll(Arrays.asList(more));
    return run(args.toArray(String[]::new));
  }

  private static JsonNode json(CliRun run) throws IOException {
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().endsWith("}\n"), run.out());
    return Json.MAPPER.readTree(run.out());
  }

  @Test
  void jsonHasWhatTheTerminalShows() throws IOException {
    JsonNode line = json(generate("--greedy", "--max-tokens=12", "--json"));
    List<String> keys = new ArrayList<>();
    for (Iterator<String> names = line.fieldNames(); names.hasNext(); ) {
      keys.add(names.next());
    }
    assertEquals(List.of("prompt_ids", "ids", "text"), keys);
    assertEquals(3, line.get("prompt_ids").size());
    assertEquals(12, line.get("ids").size());
    CliRun text = generate("--greedy", "--max-tokens=12");
    assertEquals(line.get("text").textValue() + "\n", text.out());
  }

  @Test
  void aChatIsWhatTheTemplateMakesOfIt() throws IOException {
    String[] args = {"generate", "--model", model(), "--chat", "Hi", "--max-tokens=3", "--json"};
    CliRun without = run(args);
    assertEquals(2, without.code(), without.err());
    assertTrue(without.err().contains("no chat template"), without.err());
    assertTrue(without.err().contains("--prompt"), without.err());
    Path template = scratch.resolve("tiny").resolve("chat_template.jinja");
    try {
      Files.writeString(
          template,
          "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}|{% endfor %}"
              + "{% if messages[0].content == 'no' %}{{ raise_exception('not so') }}{% endif %}");
      assertEquals("u:Hi|".length(), json(run(args)).get("prompt_ids").size());
      args[5] = "--system=Be";
      assertEquals("s:Be|u:Hi|".length(), json(run(args)).get("prompt_ids").size());
      args[4] = "no";
      args[5] = "--greedy";
      CliRun refused = run(args);
      assertEquals(2, refused.code(), refused.err());
      assertTrue(refused.err().contains("refuses this conversation: not so"), refused.err());
      Files.writeString(template, "{{ messages | frob }}");
      CliRun broken = run(args);
      assertEquals(1, broken.code(), broken.err());
      assertTrue(broken.err().contains("the filter 'frob' is not supported"), broken.err());
      assertTrue(broken.err().contains("chat_template.jinja"), broken.err());
    } finally {
      Files.deleteIfExists(template);
    }
  }

  @Test
  void theSeedDecides() throws IOException {
    String[] args = {"--json", "--scheme=w8a8", "--kv=int8", "--seed=5", "--temperature=1.5"};
    JsonNode one = json(generate(args));
    assertEquals(one, json(generate(args)));
    args[3] = "--seed=6";
    assertNotEquals(one, json(generate(args)));
  }

  @Test
  void statsGoToStandardError() {
    CliRun run = generate("--stats", "--max-tokens=5", "--seed=77", "--json");
    assertEquals(0, run.code(), run.err());
    for (String part :
        List.of(
            "prompt ", "3 tokens", "generation ", "4 tokens", "weights ", "KV cache", "seed 77")) {
      assertTrue(run.err().contains(part), run.err());
    }
    assertEquals(1, run.out().lines().count());
  }

  @Test
  void sparseSchemesAreNamedAndExplained() throws IOException {
    CliRun run = generate("--stats", "--max-tokens=2", "--scheme=w8a8", "--mlp=w8a8+16x4@0.5");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.err().contains("load w8a8, MLP w8a8+16x4@0.5"), run.err());
    assertTrue(run.err().contains("matmuls skip zeros"), run.err());
    assertTrue(run.err().contains("pruned layers are not kept"), run.err());
    CliRun dense = generate("--stats", "--max-tokens=2", "--scheme=bf16+2:4");
    assertTrue(dense.err().contains("0 of "), dense.err());
    assertTrue(dense.err().contains("2:4 kept as dense BF16: "), dense.err());

    Path text = Files.writeString(scratch.resolve("sparse.txt"), "Some words. ".repeat(4));
    String[] args = {"perplexity", "--model", model(), "--text", text.toString(), "--json", ""};
    args[6] = "--scheme=w4a8:32+16x8@0.5";
    assertEquals("w4a8:32+16x8@0.5", json(run(args)).get("scheme").textValue());
    args[6] = "--scheme=w8a8+16x4";
    CliRun refused = run(args);
    assertEquals(2, refused.code(), refused.err());
    assertTrue(refused.err().contains("'w8a8+16x4': how much goes is missing"), refused.err());
    args[6] = "--embeddings=w8a8+16x4@0.5";
    CliRun embeddings = run(args);
    assertEquals(2, embeddings.code(), embeddings.err());
    assertTrue(embeddings.err().contains("--embeddings"), embeddings.err());
  }

  @Test
  void anEndlessPromptIsRefusedWithItsLength() {
    CliRun run = run("generate", "--model", model(), "--prompt", "x".repeat(91));
    assertEquals(1, run.code(), run.err());
    assertTrue(run.err().contains("91 tokens"), run.err());
    assertTrue(run.err().contains("context of 90"), run.err());
  }

  @Test
  void perplexityOfRandomWeightsIsNearTheVocabulary() throws IOException {
    Path text = Files.writeString(scratch.resolve("text.txt"), "Some words. ".repeat(10));
    String[] args = {"perplexity", "--model", model(), "--text", text.toString(), "--json"};
    CliRun run = run(args);
    JsonNode line = json(run);
    assertEquals("f32", line.get("scheme").textValue());
    assertEquals(120, line.get("tokens").intValue());
    double nats = line.get("nats_per_token").doubleValue();
    assertEquals(Math.log(320), nats, 0.5);
    assertEquals(Math.exp(nats), line.get("perplexity").doubleValue(), 1e-3);
    assertTrue(run.err().contains("perplexity f32"), run.err());

    args[5] = "--window=20";
    CliRun table = run(args);
    assertEquals(0, table.code(), table.err());
    assertTrue(table.out().contains("120"), table.out());
    args[5] = "--window=90";
    CliRun wide = run(args);
    assertEquals(2, wide.code(), wide.err());
    assertTrue(wide.err().contains("1 to 89"), wide.err());
  }

  @Test
  void textThatIsNotUtf8IsRefused() throws IOException {
    Path text = Files.write(scratch.resolve("latin1.txt"), new byte[] {'a', (byte) 0xE4, 'b'});
    CliRun run = run("perplexity", "--model", model(), "--text", text.toString());
    assertEquals(1, run.code(), run.err());
    assertTrue(run.err().contains("latin1.txt: not UTF-8"), run.err());
  }

  @Test
  void namesThatDoNotExistAreWrongUsage() {
    CliRun folder = run("generate", "--model", "no-such-folder", "--prompt", "p");
    assertEquals(2, folder.code(), folder.err());
    assertTrue(folder.err().contains("sinter: no-such-folder: no such folder"), folder.err());
    CliRun shape = run("synthesize", "--arch", "gpt-5", scratch.resolve("out").toString());
    assertEquals(2, shape.code(), shape.err());
    assertTrue(shape.err().contains("tinyllama-1.1b"), shape.err());
  }

  @Test
  void aFolderThatIsNotEmptyIsNotOverwritten() {
    CliRun run = run("synthesize", "--arch", "tiny", model());
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains("not empty"), run.err());
    assertFalse(run.err().contains("\tat "), run.err());
  }
}
