package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the {@code config.json} of a Hugging Face BERT, of transformers 5 ({@code dtype}) or older
 * ({@code torch_dtype}). A setting that changes what the model computes and is not supported is
 * refused by name, and so is one that is not known, since it may.
 */
final class HfConfig {
  /** The one value that a setting may have, where it is there at all. */
  private static final Map<String, String> FIXED =
      Map.of(
          "model_type", "\"bert\"",
          "hidden_act", "\"gelu\"", // by the error function; gelu_new and others approximate it
          "position_embedding_type", "\"absolute\"",
          "is_decoder", "false",
          "is_encoder_decoder", "false",
          "add_cross_attention", "false",
          "tie_encoder_decoder", "false",
          "pruned_heads", "{}");

  private static final Set<String> SIZES =
      Set.of(
          "num_hidden_layers",
          "hidden_size",
          "num_attention_heads",
          "intermediate_size",
          "max_position_embeddings",
          "vocab_size",
          "type_vocab_size",
          "layer_norm_eps",
          "dtype",
          "torch_dtype");

  /** What matters in training or generation only, to other heads, or to nobody. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "_attn_implementation_autoset",
          "_name_or_path",
          "architectures",
          "attention_probs_dropout_prob",
          "bos_token_id",
          "chunk_size_feed_forward",
          "classifier_dropout",
          "cls_token_id",
          "cross_attention_hidden_size",
          "directionality",
          "eos_token_id",
          "finetuning_task",
          "gradient_checkpointing",
          "hidden_dropout_prob",
          "id2label",
          "initializer_range",
          "label2id",
          "mask_token_id",
          "model_max_length",
          "num_labels",
          "output_attentions",
          "output_hidden_states",
          "output_past",
          "pad_token_id",
          "pooler_fc_size",
          "pooler_num_attention_heads",
          "pooler_num_fc_layers",
          "pooler_size_per_head",
          "pooler_type",
          "problem_type",
          "return_dict",
          "sentence_transformers",
          "sep_token_id",
          "task_specific_params",
          "tie_word_embeddings",
          "tokenizer_class",
          "torchscript",
          "transformers_version",
          "use_cache");

  private static final List<String> DTYPES = List.of("float32", "float16", "bfloat16");

  private final Path file;
  private final JsonNode json;

  private HfConfig(Path file, JsonNode json) {
    this.file = file;
    this.json = json;
  }

  /**
   * What the file says of the sizes.
   *
   * @throws dev.sinter.checkpoint.CheckpointException if it is malformed, or asks for a model that
   *     is not supported
   */
  static BertConfig read(Path file) {
    HfConfig config = new HfConfig(file, JsonFiles.readObject(file));
    if (!config.json.has("model_type")) {
      throw fail(file, "has no model_type; only \"bert\" is supported");
    }
    // First, since another kind of model has settings of its own that are not known either.
    config.check("model_type", config.json.get("model_type"));
    for (Map.Entry<String, JsonNode> e : config.json.properties()) {
      config.check(e.getKey(), e.getValue());
    }
    config.checkDtype();
    return new BertConfig(
        config.size("num_hidden_layers"),
        config.size("hidden_size"),
        config.size("num_attention_heads"),
        config.size("intermediate_size"),
        config.size("max_position_embeddings"),
        config.size("vocab_size"),
        config.epsilon());
  }

  private void check(String key, JsonNode value) {
    String only = FIXED.get(key);
    if (only != null) {
      if (!value.isNull() && !value.toString().equals(only)) {
        throw fail(file, key + " is " + value + ", only " + only + " is supported");
      }
    } else if (!SIZES.contains(key) && !WITHOUT_EFFECT.contains(key)) {
      throw fail(
          file, key + " (" + value + ") is not known, it may change what the model computes");
    }
  }

  private void checkDtype() {
    JsonNode now = json.path("dtype");
    JsonNode before = json.path("torch_dtype");
    if (now.isTextual() && before.isTextual() && !now.equals(before)) {
      throw fail(file, "dtype is " + now + ", torch_dtype is " + before);
    }
    for (JsonNode dtype : List.of(now, before)) {
      if (!dtype.isMissingNode() && !dtype.isNull() && !DTYPES.contains(dtype.textValue())) {
        throw fail(file, "dtype " + dtype + " is not one of " + DTYPES);
      }
    }
  }

  private int size(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw fail(
          file,
          key + " must be an integer of at least 1, is " + (json.has(key) ? value : "absent"));
    }
    return value.intValue();
  }

  private float epsilon() {
    JsonNode value = json.path("layer_norm_eps");
    if (!value.isNumber() || !(value.floatValue() > 0 && value.floatValue() < 1)) {
      throw fail(
          file,
          "layer_norm_eps must be between 0 and 1, is "
              + (value.isMissingNode() ? "absent" : value));
    }
    return value.floatValue();
  }
}
