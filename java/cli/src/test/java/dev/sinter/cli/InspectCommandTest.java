package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void model() throws Exception {
    CheckpointWriter.write(
        folder.resolve("model.safetensors"),
        List.of(
            tensor("a.weight", DType.F32, 1200, 3),
            tensor("a.bias", DType.BF16, 3),
            tensor("escape\u001b[2J", DType.BF16)),
        Map.of("format", "pt\r"));
    Files.writeString(
        folder.resolve("config.json"),
        "{\"model_type\": \"bert\", \"architectures\": [\"B\"], \"hidden_size\": 3, \"other\": 1}");
  }

  private static RawTensor tensor(String name, DType dtype, long... shape) {
    long bytes = dtype.bytes();
    for (long d : shape) {
      bytes *= d;
    }
    return new RawTensor(name, dtype, shape, Arena.ofAuto().allocate(bytes));
  }

  private static CliRun inspect(Object path, String... options) {
    String[] args = new String[options.length + 2];
    args[0] = "inspect";
    args[1] = path.toString();
    System.arraycopy(options, 0, args, 2, options.length);
    return CliRun.of(new FakeHost(), "", args);
  }

  @Test
  void tablesForPeople() {
    CliRun run = inspect(folder);
    assertEquals(0, run.code(), run.err());
    List<String> lines = run.out().lines().toList();
    assertEquals(folder.resolve("model.safetensors").toString(), lines.getFirst());
    for (String line :
        List.of(
            "model_type     bert",
            "architectures  [\"B\"]",
            "format    pt\\u000d",
            "a.weight         F32    1200 x 3  14,400",
            "a.bias           BF16   3              6",
            "escape\\u001b[2J  BF16   scalar         2",
            "BF16         2           4       8",
            "F32          1       3,600  14,400",
            "all          3       3,604  14,408")) {
      assertTrue(lines.contains(line), line + " is not in\n" + run.out());
    }
    assertFalse(run.out().contains("other"), run.out());
    assertFalse(run.out().contains("\u001b"), "a control character");
  }

  @Test
  void oneLineOfJsonForPrograms() throws Exception {
    CliRun run = inspect(folder, "--json");
    assertEquals(0, run.code(), run.err());
    assertEquals(1, run.out().lines().count());
    JsonNode json = Json.MAPPER.readTree(run.out());
    assertEquals(3, json.get("config").get("hidden_size").intValue());
    JsonNode weight = json.get("tensors").get(0);
    assertEquals(
        "{\"name\":\"a.weight\",\"dtype\":\"F32\",\"shape\":[1200,3],\"bytes\":14400}",
        weight.toString());
    assertEquals("escape\u001b[2J", json.get("tensors").get(2).get("name").textValue());
    assertEquals(
        "{\"tensors\":3,\"parameters\":3604,\"bytes\":14408,"
            + "\"bytes_by_dtype\":{\"BF16\":8,\"F32\":14400}}",
        json.get("total").toString());
    assertEquals("{\"format\":\"pt\\r\"}", json.get("metadata").toString());
  }

  @Test
  void aFileAloneHasNoConfig() throws Exception {
    CliRun run = inspect(folder.resolve("model.safetensors"), "--json");
    assertEquals("{}", Json.MAPPER.readTree(run.out()).get("config").toString());
  }

  @Test
  void badFilesAreFailures() throws Exception {
    Path file = folder.resolve("model.safetensors");
    Files.writeString(folder.resolve("config.json"), "{");
    assertFailure(folder, "config.json is no JSON");
    Files.writeString(folder.resolve("config.json"), "[]");
    assertFailure(folder, "is no JSON object");
    Files.write(file, new byte[5]);
    assertFailure(file, "model.safetensors, at byte 0: has 5 bytes");
    assertFailure(folder.resolve("absent"), "no such file or folder");
    assertFailure(folder.resolve("config.json"), "its name ends in none of");
  }

  private static void assertFailure(Path path, String message) {
    CliRun run = inspect(path);
    assertEquals(1, run.code(), run.out());
    assertEquals("", run.out());
    assertTrue(run.err().startsWith("sinter: ") && run.err().contains(message), run.err());
  }
}
