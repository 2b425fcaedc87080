package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.backend.Timings;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrateCommandTest {
  @TempDir private Path folder;

  @Test
  void writesTheFileThatItNames() throws Exception {
    Path file = folder.resolve("plan.properties");
    CliRun run =
        CliRun.of(
            new FakeHost(), "", "calibrate", "--threads", "1", "--out", file.toString(), "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode json = Json.MAPPER.readTree(run.out());
    assertEquals(file.toString(), json.get("file").textValue());
    assertTrue(Files.exists(file));
    assertEquals(Timings.read(file).millis().size(), json.get("layers").size());
    for (JsonNode layer : json.get("layers")) {
      assertTrue(layer.get("ms").size() > 1, run.out());
    }
  }

  @Test
  void anUnknownInstructionSetIsWrongUsage() {
    CliRun run = CliRun.of(new FakeHost(), "", "calibrate", "--isa", "mmx");
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains("mmx"), run.err());
  }
}
