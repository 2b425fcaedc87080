package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the rotary embeddings of a config.json: {@code rope_parameters} of transformers 5, or
 * {@code rope_theta} and {@code rope_scaling} of older ones. Both may be there if they agree.
 */
final class RopeReader {
  private static final String THETA = "rope_theta";
  private static final String PARAMETERS = "rope_parameters";
  private static final String SCALING = "rope_scaling";
  private static final double DEFAULT_THETA = 10_000;

  private static final String FACTOR = "factor";
  private static final String ORIGINAL = "original_max_position_embeddings";

  /** What may be said of each kind, beside its name and theta. */
  private static final Map<String, Set<String>> KEYS =
      Map.of(
          "default",
          Set.of(),
          "linear",
          Set.of(FACTOR),
          "dynamic",
          Set.of(FACTOR, ORIGINAL),
          "llama3",
          Set.of(FACTOR, ORIGINAL, "low_freq_factor", "high_freq_factor"),
          "yarn",
          Set.of(
              FACTOR,
              ORIGINAL,
              "attention_factor",
              "beta_fast",
              "beta_slow",
              "mscale",
              "mscale_all_dim",
              "truncate"));

  private static final List<String> EVERYWHERE =
      List.of("rope_type", "type", THETA, "partial_rotary_factor");

  private final Settings config;

  private RopeReader(Settings config) {
    this.config = config;
  }

  static DecoderConfig.Rotary read(Settings config) {
    return new RopeReader(config).read();
  }

  private DecoderConfig.Rotary read() {
    boolean now = isGiven(PARAMETERS);
    boolean before = isGiven(SCALING);
    if (now && before && !config.json().get(PARAMETERS).equals(config.json().get(SCALING))) {
      throw fail(
          config.file(),
          PARAMETERS
              + " is "
              + config.json().get(PARAMETERS)
              + ", "
              + SCALING
              + " is "
              + config.json().get(SCALING));
    }
    double theta = config.positive(THETA, DEFAULT_THETA);
    if (!now && !before) {
      return new DecoderConfig.Rotary(theta, new RopeScaling.Default());
    }
    Settings rope = config.object(now ? PARAMETERS : SCALING);
    double own = rope.positive(THETA, theta);
    if (config.has(THETA) && own != theta) {
      throw fail(config.file(), THETA + " is " + theta + ", in " + rope.where() + " " + own);
    }
    return new DecoderConfig.Rotary(own, scaling(rope));
  }

  private boolean isGiven(String key) {
    return config.has(key) && !config.json().get(key).isEmpty();
  }

  private RopeScaling scaling(Settings rope) {
    String kind = rope.text("rope_type", rope.text("type", "default"));
    if (!kind.equals(rope.text("type", kind))) {
      throw rope.wrong("type", "what rope_type is, " + kind);
    }
    Set<String> known = KEYS.get(kind);
    if (known == null) {
      throw fail(
          config.file(),
          "rotary embeddings of type "
              + kind
              + " are not supported, only "
              + KEYS.keySet().stream().sorted().toList());
    }
    for (Map.Entry<String, JsonNode> e : rope.json().properties()) {
      if (!known.contains(e.getKey()) && !EVERYWHERE.contains(e.getKey())) {
        throw fail(
            config.file(),
            rope.where()
                + e.getKey()
                + " ("
                + e.getValue()
                + ") is not known for type "
                + kind
                + ", it may change what the model computes");
      }
    }
    if (rope.positive("partial_rotary_factor", 1) != 1) {
      throw rope.wrong("partial_rotary_factor", "1: no other is supported");
    }
    return switch (kind) {
      case "linear" -> new RopeScaling.Linear(rope.positive(FACTOR));
      case "dynamic" -> dynamic(rope);
      case "llama3" -> llama3(rope);
      case "yarn" -> yarn(rope);
      default -> new RopeScaling.Default();
    };
  }

  private RopeScaling dynamic(Settings rope) {
    int length = config.size("max_position_embeddings");
    // transformers does not look at it, others do.
    if (rope.size(ORIGINAL, length) != length) {
      throw rope.wrong(ORIGINAL, "max_position_embeddings, " + length);
    }
    return new RopeScaling.Dynamic(rope.positive(FACTOR), length);
  }

  private RopeScaling llama3(Settings rope) {
    double low = rope.positive("low_freq_factor");
    double high = rope.positive("high_freq_factor");
    if (high <= low) {
      throw rope.wrong("high_freq_factor", "above low_freq_factor, " + low);
    }
    return new RopeScaling.Llama3(rope.positive(FACTOR), low, high, originalLength(rope));
  }

  private RopeScaling yarn(Settings rope) {
    int length = originalLength(rope);
    double stretch =
        rope.positive(FACTOR, (double) config.size("max_position_embeddings") / length);
    double factor = RopeScaling.Yarn.attentionFactor(stretch, 1);
    if (rope.has("attention_factor")) {
      factor = rope.positive("attention_factor");
    } else if (rope.has("mscale") && rope.has("mscale_all_dim")) {
      factor =
          RopeScaling.Yarn.attentionFactor(stretch, rope.positive("mscale"))
              / RopeScaling.Yarn.attentionFactor(stretch, rope.positive("mscale_all_dim"));
    }
    return new RopeScaling.Yarn(
        stretch,
        length,
        factor,
        rope.positive("beta_fast", 32),
        rope.positive("beta_slow", 1),
        rope.flag("truncate", true));
  }

  private int originalLength(Settings rope) {
    return rope.size(ORIGINAL, config.size("max_position_embeddings"));
  }
}
