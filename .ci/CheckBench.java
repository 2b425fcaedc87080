import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;

/** Fails unless a file holds the JSON of a benchmark, complete; nothing is asked of its times. */
class CheckBench {
  private static final List<String> LIMITS =
      List.of(
          "dram_gbs", "l2_gbs", "l3_gbs", "int8_peak_gops", "bf16_peak_gflops", "f32_peak_gflops");
  private static final List<String> FIELDS =
      List.of(
          "suite", "kernel", "scheme", "group", "sparsity", "format", "backend", "isa", "impl", "m",
          "n", "k", "threads", "ms", "ms_best", "gops", "gbs", "frac_dram", "peak", "frac_peak",
          "peer");

  public static void main(String[] args) throws Exception {
    JsonNode bench = new ObjectMapper().readTree(Path.of(args[0]).toFile());
    for (String limit : LIMITS) {
      check(bench.path(limit).has("1"), limit);
    }
    check(bench.at("/dram_gbs/1").asDouble() > 0, "dram_gbs");
    check(bench.path("cpu").isTextual() && bench.path("jdk").isTextual(), "cpu or jdk");
    check(!bench.path("rows").isEmpty(), "rows");
    for (JsonNode row : bench.path("rows")) {
      for (String field : FIELDS) {
        check(row.has(field), field + " of " + row);
      }
      check(row.path("ms").asDouble() > 0, "ms of " + row);
    }
    for (JsonNode refusal : bench.path("refusals")) {
      check(!refusal.path("failure").asBoolean(), "success of " + refusal);
    }
    System.out.println("bench --json is complete");
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("bench --json: " + what + " is missing or out of range");
    }
  }
}
