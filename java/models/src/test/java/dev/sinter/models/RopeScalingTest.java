package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RopeScalingTest {
  private static List<JsonNode> settings() throws Exception {
    List<JsonNode> all = new ArrayList<>();
    new ObjectMapper()
        .readTree(GoldenDecoders.folder().resolve("rope.json").toFile())
        .forEach(all::add);
    assertEquals(8, all.size());
    return all;
  }

  private static ObjectNode config(JsonNode golden) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.set("max_position_embeddings", golden.get("max_position_embeddings"));
    return config;
  }

  private static void check(JsonNode golden, ObjectNode config) {
    DecoderConfig.Rotary rotary = RopeReader.read(new Settings(Path.of("config.json"), config, ""));
    double[] found =
        rotary
            .scaling()
            .inverseFrequencies(
                rotary.theta(), golden.get("head_dim").asInt(), golden.get("context").asInt());
    JsonNode right = golden.get("inverse_frequencies");
    assertEquals(right.size(), found.length);
    double least = Double.MAX_VALUE;
    for (int i = 0; i < found.length; i++) {
      double f = right.get(i).asDouble();
      assertEquals(f, found[i], 2e-6 * f, golden.get("rope_parameters") + ", pair " + i);
      least = Math.min(least, f);
    }
    assertTrue(least > 0);
    assertEquals(golden.get("factor").asDouble(), rotary.scaling().factor(), 1e-7);
  }

  @ParameterizedTest
  @MethodSource("settings")
  void frequenciesAreThoseOfTransformers(JsonNode golden) {
    ObjectNode config = config(golden);
    config.set("rope_parameters", golden.get("rope_parameters"));
    check(golden, config);
  }

  @ParameterizedTest
  @MethodSource("settings")
  void andSoWithTheOlderNames(JsonNode golden) {
    ObjectNode config = config(golden);
    ObjectNode scaling = golden.get("rope_parameters").deepCopy();
    config.set("rope_theta", scaling.remove("rope_theta"));
    scaling.set("type", scaling.remove("rope_type"));
    config.set("rope_scaling", scaling);
    check(golden, config);
  }
}
