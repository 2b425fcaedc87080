package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the files of Hugging Face's transformers and of sentence-transformers beside the weights say
 * of how sentences become vectors: {@code modules.json}, {@code 1_Pooling/config.json}, {@code
 * sentence_bert_config.json}, {@code tokenizer_config.json}. Whatever is not supported is refused
 * by name.
 */
final class HfFolder {
  private static final String POOLING_FOLDER = "1_Pooling";
  private static final String POOLING_MODE = "pooling_mode";

  private final Path folder;

  HfFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * @param hidden width of the hidden states
   * @throws dev.sinter.checkpoint.CheckpointException if a file is malformed, or asks for what is
   *     not supported
   */
  EncoderSettings settings(int heads, float layerNormEps, int hidden) {
    boolean normalize = true;
    String poolingFolder = POOLING_FOLDER;
    Path modules = folder.resolve("modules.json");
    if (Files.exists(modules)) {
      List<String> kinds = new ArrayList<>();
      for (JsonNode module : JsonFiles.read(modules)) {
        String kind = kind(module);
        kinds.add(kind);
        if (kind.equals("Pooling")) {
          poolingFolder = plainName(modules, module.path("path").asText());
        } else if (kind.equals("Transformer") && !module.path("path").asText().isEmpty()) {
          throw fail(modules, "its Transformer lies in the folder " + module.path("path"));
        }
      }
      normalize = kinds.equals(List.of("Transformer", "Pooling", "Normalize"));
      if (!normalize && !kinds.equals(List.of("Transformer", "Pooling"))) {
        throw fail(
            modules,
            "modules " + kinds + ": only Transformer, Pooling and then Normalize are supported");
      }
    }
    Path file = folder.resolve(poolingFolder).resolve("config.json");
    boolean stated = Files.exists(file);
    if (!stated && Files.exists(modules)) {
      throw fail(modules, "its Pooling has no " + poolingFolder + "/config.json");
    }
    Pooling pooling = stated ? pooling(file, hidden) : Pooling.MEAN;
    return new EncoderSettings(heads, layerNormEps, maxTokens(), pooling, !stated, normalize);
  }

  /** The last part of the name of its Python class. */
  private static String kind(JsonNode module) {
    String type = module.path("type").asText();
    return type.substring(type.lastIndexOf('.') + 1);
  }

  private static String plainName(Path modules, String name) {
    if (!name.matches("[A-Za-z0-9_-]+")) {
      throw fail(modules, "its Pooling lies in \"" + name + "\", which is no folder beside it");
    }
    return name;
  }

  private static Pooling pooling(Path file, int hidden) {
    JsonNode json = JsonFiles.readObject(file);
    JsonNode width = json.path("word_embedding_dimension");
    if (!width.isMissingNode() && width.asInt() != hidden) {
      throw fail(
          file, "word_embedding_dimension is " + width + ", the hidden states have " + hidden);
    }
    List<String> modes = new ArrayList<>();
    for (var e : json.properties()) {
      String key = e.getKey();
      if (key.equals(POOLING_MODE)) {
        modes.add(e.getValue().asText());
      } else if (key.startsWith(POOLING_MODE + "_") && e.getValue().asBoolean()) {
        modes.add(key.substring(POOLING_MODE.length() + 1).replaceFirst("_tokens?$", ""));
      }
    }
    return switch (modes) {
      case List<String> m when m.equals(List.of("mean")) -> Pooling.MEAN;
      case List<String> m when m.equals(List.of("cls")) -> Pooling.CLS;
      default ->
          throw fail(file, POOLING_MODE + " is " + modes + ", either mean or cls is supported");
    };
  }

  /** As sentence-transformers has it: its own limit, or else that of the tokenizer. */
  private int maxTokens() {
    int most = Integer.MAX_VALUE;
    Path tokenizer = folder.resolve("tokenizer_config.json");
    if (Files.exists(tokenizer)) {
      JsonNode json = JsonFiles.readObject(tokenizer);
      checkNormalizer(tokenizer, json);
      most = length(tokenizer, "model_max_length", json, most);
    }
    Path own = folder.resolve("sentence_bert_config.json");
    if (Files.exists(own)) {
      JsonNode json = JsonFiles.readObject(own);
      if (json.path("do_lower_case").asBoolean() && !lowercases()) {
        throw fail(own, "do_lower_case is true, but tokenizer.json does not lowercase");
      }
      most = length(own, "max_seq_length", json, most);
    }
    return most;
  }

  private static int length(Path file, String key, JsonNode json, int otherwise) {
    if (!json.hasNonNull(key)) {
      return otherwise;
    }
    double length = json.path(key).asDouble(); // no limit is written as 1e30
    if (!(length >= Tokenizer.LEAST_LENGTH)) {
      throw fail(
          file, key + " is " + json.path(key) + ", must be at least " + Tokenizer.LEAST_LENGTH);
    }
    return (int) Math.min(length, Integer.MAX_VALUE);
  }

  /**
   * transformers lets tokenizer_config.json overrule tokenizer.json; where they agree, none does.
   */
  private void checkNormalizer(Path file, JsonNode config) {
    JsonNode normalizer = normalizer();
    if (!normalizer.path("type").asText().equals("BertNormalizer")) {
      return;
    }
    String[][] pairs = {
      {"do_lower_case", "lowercase"},
      {"strip_accents", "strip_accents"},
      {"tokenize_chinese_chars", "handle_chinese_chars"}
    };
    for (String[] pair : pairs) {
      JsonNode here = config.path(pair[0]);
      JsonNode there = normalizer.path(pair[1]);
      if (!here.isMissingNode() && !there.isMissingNode() && !here.equals(there)) {
        throw fail(
            file, pair[0] + " is " + here + ", " + pair[1] + " in tokenizer.json is " + there);
      }
    }
  }

  private boolean lowercases() {
    return normalizer().path("lowercase").asBoolean();
  }

  private JsonNode normalizer() {
    return JsonFiles.readObject(folder.resolve("tokenizer.json")).path("normalizer");
  }
}
