package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The special tokens that transformers gives to a chat template by name: those of {@code
 * tokenizer_config.json}, of {@code special_tokens_map.json} where that counts, and what the
 * tokenizer's class takes for those that neither has.
 */
final class SpecialTokens {
  private static final String SUFFIX = "_token";
  private static final String BOS = "bos_token";
  private static final String EOS = "eos_token";
  private static final String UNK = "unk_token";
  private static final String PAD = "pad_token";
  private static final String MASK = "mask_token";
  private static final List<String> STANDARD =
      List.of(BOS, EOS, UNK, "sep_token", PAD, "cls_token", MASK);
  private static final String END_OF_TEXT = "<|endoftext|>";

  /** By the class, less "Fast" at its end. An empty name stands for those without defaults. */
  private static final Map<String, Map<String, String>> DEFAULTS =
      Map.of(
          "", Map.of(),
          "PreTrainedTokenizer", Map.of(),
          "TokenizersBackend", Map.of(),
          "LlamaTokenizer", Map.of(BOS, "<s>", EOS, "</s>", UNK, "<unk>"),
          "Qwen2Tokenizer", Map.of(EOS, END_OF_TEXT, UNK, END_OF_TEXT, PAD, END_OF_TEXT),
          "GPT2Tokenizer", Map.of(BOS, END_OF_TEXT, EOS, END_OF_TEXT, UNK, END_OF_TEXT),
          "GemmaTokenizer",
              Map.of(BOS, "<bos>", EOS, "<eos>", UNK, "<unk>", PAD, "<pad>", MASK, "<mask>"));

  private SpecialTokens() {}

  /**
   * @param template whose use of a token that nothing says is refused
   * @throws dev.sinter.checkpoint.CheckpointException if a file is malformed, or a token of the
   *     template is not known
   */
  static Map<String, Object> read(Path folder, String template) {
    Path config = folder.resolve("tokenizer_config.json");
    if (!Files.exists(config)) {
      return Map.of();
    }
    JsonNode json = JsonFiles.readObject(config);
    Map<String, Object> tokens = new HashMap<>(); // null for none
    put(tokens, config, json);
    put(tokens, config, json.path("extra_special_tokens"));
    Path map = folder.resolve("special_tokens_map.json");
    if (!json.has("added_tokens_decoder") && Files.exists(map)) {
      put(tokens, map, JsonFiles.readObject(map));
    }
    String kind = json.path("tokenizer_class").asText("").replaceFirst("Fast$", "");
    Map<String, String> defaults = DEFAULTS.get(kind);
    for (String name : STANDARD) {
      if (tokens.containsKey(name)) {
        continue;
      }
      if (defaults == null && template.contains(name)) {
        throw fail(
            config, "the chat template uses " + name + ", which is not here; " + kind + " has one");
      }
      if (defaults != null && defaults.containsKey(name)) {
        tokens.put(name, defaults.get(name));
      }
    }
    tokens.values().removeIf(token -> token == null);
    return tokens;
  }

  /** Each is a string, or an object with the string as its content. */
  private static void put(Map<String, Object> tokens, Path file, JsonNode from) {
    for (Map.Entry<String, JsonNode> e : from.properties()) {
      String name = e.getKey();
      JsonNode value = e.getValue();
      JsonNode text = value.isObject() ? value.path("content") : value;
      if (name.endsWith(SUFFIX) && (text.isTextual() || value.isNull())) {
        tokens.put(name, text.textValue());
      } else if (STANDARD.contains(name)) {
        throw fail(file, name + " must be a token, is " + value);
      }
    }
  }
}
