package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sinter.backend.Activation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Reads the {@code config.json} of a Hugging Face decoder, of transformers 5 or older. What is
 * absent is what transformers takes it for. A setting that changes what the model computes and is
 * not supported is refused by name, and so is one that is not known, since it may.
 */
final class DecoderConfigReader {
  private static final String LAYERS = "num_hidden_layers";
  private static final String HIDDEN = "hidden_size";
  private static final String HEADS = "num_attention_heads";
  private static final String WINDOW = "sliding_window";
  private static final int DEFAULT_WINDOW = 4096;
  private static final int GEMMA_HEAD = 256;
  private static final int QWEN3_HEAD = 128;

  private static final List<String> DTYPES = List.of("float32", "float16", "bfloat16");

  private final Settings json;
  private final DecoderFamily family;

  private DecoderConfigReader(Settings json, DecoderFamily family) {
    this.json = json;
    this.family = family;
  }

  /**
   * What config.json, and for the ends of a text generation_config.json beside it, say.
   *
   * @throws dev.sinter.checkpoint.CheckpointException if a file is malformed, or asks for what is
   *     not supported
   */
  static DecoderConfig read(Path folder) {
    Settings json = Settings.of(folder.resolve("config.json"));
    DecoderFamily family = DecoderFamily.of(json);
    for (Map.Entry<String, JsonNode> e : json.json().properties()) {
      family.check(json, e.getKey(), e.getValue());
    }
    DecoderConfigReader reader = new DecoderConfigReader(json, family);
    reader.checkDtype();
    return new DecoderConfig(
        family.id(),
        json.size(LAYERS),
        json.size(HIDDEN),
        json.size("max_position_embeddings"),
        reader.attention(),
        new DecoderConfig.Norms(reader.epsilon(), reader.isGemma(), reader.isGemma()),
        reader.mlp(),
        reader.vocabulary(folder),
        RopeReader.read(json));
  }

  private boolean isGemma() {
    return family == DecoderFamily.GEMMA2;
  }

  private void checkDtype() {
    JsonNode now = json.json().path("dtype");
    JsonNode before = json.json().path("torch_dtype");
    if (now.isTextual() && before.isTextual() && !now.equals(before)) {
      throw fail(json.file(), "dtype is " + now + ", torch_dtype is " + before);
    }
    for (String key : List.of("dtype", "torch_dtype")) {
      if (json.has(key) && !DTYPES.contains(json.text(key, ""))) {
        throw json.wrong(key, "one of " + DTYPES);
      }
    }
  }

  private float epsilon() {
    double epsilon = json.positive("rms_norm_eps", 1e-6);
    if (epsilon >= 1) {
      throw json.wrong("rms_norm_eps", "below 1");
    }
    return (float) epsilon;
  }

  private DecoderConfig.Attention attention() {
    int heads = json.size(HEADS);
    // Only Llama says nothing where there are as many of them as others.
    int kvHeads =
        family == DecoderFamily.LLAMA
            ? json.size("num_key_value_heads", heads)
            : json.size("num_key_value_heads");
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of " + HEADS + ", " + heads);
    }
    int headDim = headDim(heads);
    double scale = headDim;
    double softCap = 0;
    if (isGemma()) {
      scale = json.positive("query_pre_attn_scalar", GEMMA_HEAD);
      softCap = cap("attn_logit_softcapping", 50);
    }
    boolean biases = json.flag("attention_bias", false);
    return new DecoderConfig.Attention(
        heads,
        kvHeads,
        headDim,
        1 / Math.sqrt(scale),
        softCap,
        biases || family == DecoderFamily.QWEN2,
        biases,
        family == DecoderFamily.QWEN3,
        windows());
  }

  private int headDim(int heads) {
    int hidden = json.size(HIDDEN);
    int headDim =
        switch (family) {
          case QWEN3 -> json.size("head_dim", QWEN3_HEAD);
          case GEMMA2 -> json.size("head_dim", GEMMA_HEAD);
          case LLAMA, MISTRAL, QWEN2 -> {
            if (!json.has("head_dim") && hidden % heads != 0) {
              throw json.wrong(HEADS, "a divisor of " + HIDDEN + ", " + hidden);
            }
            yield json.size("head_dim", hidden / heads);
          }
        };
    if (headDim % 2 != 0) {
      throw fail(
          json.file(), "the size of a head is " + headDim + ", odd: nothing to rotate in pairs");
    }
    return headDim;
  }

  /** A soft cap; null in the file means none, absent the default. */
  private double cap(String key, double otherwise) {
    return json.json().has(key) ? json.positive(key, 0) : otherwise;
  }

  private List<Integer> windows() {
    int layers = json.size(LAYERS);
    // null in the file means none, absent the default.
    int window =
        json.json().has(WINDOW) && !json.has(WINDOW) ? 0 : json.size(WINDOW, DEFAULT_WINDOW);
    return switch (family) {
      case LLAMA -> Collections.nCopies(layers, 0);
      case MISTRAL -> Collections.nCopies(layers, window);
      case QWEN2, QWEN3 -> {
        boolean used = json.flag("use_sliding_window", false);
        int first = json.json().path("max_window_layers").asInt(28);
        List<Integer> windows = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
          windows.add(used && i >= first ? window : 0);
        }
        yield byType(windows, used ? window : 0);
      }
      case GEMMA2 -> {
        List<Integer> windows = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
          windows.add(i % 2 == 0 ? window : 0);
        }
        yield byType(windows, window);
      }
    };
  }

  /** What {@code layer_types} says, if it is there. */
  private List<Integer> byType(List<Integer> otherwise, int window) {
    String key = "layer_types";
    if (!json.has(key)) {
      return List.copyOf(otherwise);
    }
    JsonNode types = json.json().get(key);
    if (!types.isArray() || types.size() != otherwise.size()) {
      throw json.wrong(key, "a list of " + otherwise.size() + " types, one a layer");
    }
    List<Integer> windows = new ArrayList<>();
    for (JsonNode type : types) {
      switch (type.asText()) {
        case "full_attention" -> windows.add(0);
        case "sliding_attention" -> {
          if (window == 0) {
            throw fail(json.file(), key + " has " + type + ", but there is no " + WINDOW);
          }
          windows.add(window);
        }
        default ->
            throw fail(
                json.file(),
                key + " has " + type + ", only full_attention and sliding_attention are supported");
      }
    }
    return List.copyOf(windows);
  }

  private DecoderConfig.Mlp mlp() {
    // Gemma 2 has both keys, and only the second counts; the first must not contradict it.
    String key = isGemma() ? "hidden_activation" : "hidden_act";
    String name = json.text(key, isGemma() ? "gelu_pytorch_tanh" : "silu");
    Activation activation =
        switch (name) {
          case "silu", "swish" -> Activation.SILU;
          case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
          case "gelu" -> Activation.GELU_ERF;
          default -> throw json.wrong(key, "silu, gelu_pytorch_tanh or gelu");
        };
    if (isGemma() && !json.text("hidden_act", name).equals(name)) {
      throw json.wrong("hidden_act", "what hidden_activation is, " + name);
    }
    return new DecoderConfig.Mlp(
        json.size("intermediate_size"), activation, json.flag("mlp_bias", false));
  }

  private DecoderConfig.Vocabulary vocabulary(Path folder) {
    int size = json.size("vocab_size");
    List<Integer> bos = json.ids("bos_token_id");
    if (bos.size() > 1) {
      throw json.wrong("bos_token_id", "one token id");
    }
    Path generation = folder.resolve("generation_config.json");
    List<Integer> ends = List.of();
    if (Files.exists(generation)) {
      ends = Settings.of(generation).ids("eos_token_id");
    }
    if (ends.isEmpty()) {
      ends = json.ids("eos_token_id");
    }
    for (int id : bos) {
      if (id >= size) {
        throw json.wrong("bos_token_id", "below vocab_size, " + size);
      }
    }
    return new DecoderConfig.Vocabulary(
        size,
        json.flag("tie_word_embeddings", isGemma()),
        isGemma(),
        isGemma() ? cap("final_logit_softcapping", 30) : 0,
        bos.isEmpty() ? -1 : bos.getFirst(),
        ends);
  }
}
