import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Fails unless a file holds the JSON of the demo, complete and with numbers that can be true. */
class CheckDemo {
  private static final List<String> SIZES = List.of("1x16", "8x128", "32x128");

  public static void main(String[] args) throws Exception {
    JsonNode demo = new ObjectMapper().readTree(Path.of(args[0]).toFile());
    check(demo.path("model").isTextual(), "model");
    check(demo.path("threads").asInt() >= 1, "threads");
    List<String> schemes = new ArrayList<>();
    for (JsonNode scheme : demo.path("schemes")) {
      String name = scheme.path("scheme").asText();
      schemes.add(name);
      check(scheme.path("bytes").asLong() > 0, name + " bytes");
      for (String size : SIZES) {
        check(scheme.path("sentences_per_s").path(size).asDouble() > 0, name + " " + size);
      }
      double min = scheme.path("cosine_min").asDouble(Double.NaN);
      double mean = scheme.path("cosine_mean").asDouble(Double.NaN);
      check(min >= 0.9 && min <= mean && mean <= 1.000001, name + " cosine");
    }
    check(schemes.equals(List.of("f32", "w8a8")), "schemes");
    check(demo.path("worst_layers").size() == 5, "worst_layers");
    for (JsonNode layer : demo.path("worst_layers")) {
      check(layer.path("layer").isTextual(), "layer");
      check(layer.path("sqnr_db").isNumber(), "sqnr_db");
    }
    check(!demo.path("explain").asText().isBlank(), "explain");
    System.out.println("demo --json is complete");
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError("demo --json: " + what + " is missing or out of range");
    }
  }
}
