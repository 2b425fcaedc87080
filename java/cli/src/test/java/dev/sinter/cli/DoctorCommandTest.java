package dev.sinter.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On whatever machine this is: every answer is a yes or has a reason. */
class DoctorCommandTest {
  private static CliRun run(String... args) {
    return CliRun.of(new FakeHost(), "", args);
  }

  @Test
  void jsonHasAReasonForEveryNo() throws Exception {
    CliRun run = run("doctor", "--json", "--threads", "1");
    assertEquals(0, run.code(), run.err());
    assertEquals(1, run.out().lines().count(), run.out());
    JsonNode json = Json.MAPPER.readTree(run.out());
    assertEquals(1, json.get("threads").intValue());
    assertEquals(Runtime.getRuntime().availableProcessors(), json.get("cores").intValue());
    for (JsonNode library : json.get("libraries")) {
      boolean found = library.get("found").booleanValue();
      assertTrue(library.get(found ? "path" : "reason").textValue().length() > 3, run.out());
    }
    Set<String> backends = new HashSet<>();
    Set<String> operations = new HashSet<>();
    for (JsonNode answer : json.get("backends")) {
      backends.add(answer.get("backend").textValue());
      operations.add(answer.get("operation").textValue());
      boolean supported = answer.get("supported").booleanValue();
      String detail = answer.get(supported ? "isa" : "reason").textValue();
      assertTrue(detail.length() > 2, run.out());
    }
    for (String operation :
        List.of(
            "matmul w4a16",
            "matmul ternary",
            "matmul binary",
            "cached attention f32",
            "cached attention bf16",
            "cached attention int8",
            "layer norm",
            "rms norm",
            "quantize u8")) {
      assertTrue(operations.contains(operation), operation + " is not in " + operations);
    }
    assertTrue(backends.contains("reference"), run.out());
    assertTrue(json.at("/limits/dram_gbs/1").doubleValue() > 0, run.out());
    assertTrue(json.get("limits").has("int8_peak_gops"), run.out());
    // The flags that the launcher and the tests give.
    json.get("jvm_flags").forEach(f -> assertTrue(f.get("present").booleanValue(), f.toString()));
  }

  @Test
  void packedDecodersAreCounted(@TempDir Path folder) throws Exception {
    Files.write(folder.resolve("a.packed"), new byte[1_500_000]);
    Files.write(folder.resolve("b.packed"), new byte[1_000_000]);
    Files.write(folder.resolve("b.packed1.tmp"), new byte[7]);
    String[] args = {"doctor", "--threads=1", "--packed-cache", folder.toString(), "--json"};
    JsonNode json = Json.MAPPER.readTree(run(args).out()).get("packed_cache");
    assertEquals(folder.toString(), json.get("folder").textValue());
    assertEquals(2, json.get("models").intValue());
    assertEquals(2_500_000, json.get("bytes").longValue());
    args[3] = folder.resolve("none").toString();
    json = Json.MAPPER.readTree(run(args).out()).get("packed_cache");
    assertEquals(0, json.get("models").intValue());
    String people = run("doctor", "--threads=1", args[2], folder.toString()).out();
    assertTrue(people.contains(folder + ": 2 models, 2.5 MB"), people);
    args[3] = "off";
    json = Json.MAPPER.readTree(run(args).out()).get("packed_cache");
    assertTrue(json.get("folder").isNull(), json.toString());
  }

  @Test
  void peopleGetTables() {
    CliRun run = run("doctor");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("cores of the container"), run.out());
    assertTrue(run.out().contains("reference"), run.out());
    assertTrue(run.out().contains("DRAM read GB/s"), run.out());
  }
}
