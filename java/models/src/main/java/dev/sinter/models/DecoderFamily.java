package dev.sinter.models;

import static dev.sinter.models.JsonFiles.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The decoders that there is a graph for, and the settings each of them has in config.json. */
enum DecoderFamily {
  /** Llama 2 and 3, TinyLlama, SmolLM. */
  LLAMA("attention_bias", "mlp_bias"),
  /** With a sliding window in every layer. */
  MISTRAL("sliding_window"),
  /** Qwen2 and 2.5: queries, keys and values have biases. */
  QWEN2("use_sliding_window", "sliding_window", "max_window_layers", "layer_types"),
  /** Queries and keys are normalized. */
  QWEN3(
      "attention_bias", "use_sliding_window", "sliding_window", "max_window_layers", "layer_types"),
  /** Soft caps, norms behind attention and MLP, a window in every second layer. */
  GEMMA2(
      "attention_bias",
      "attn_logit_softcapping",
      "final_logit_softcapping",
      "hidden_activation",
      "layer_types",
      "query_pre_attn_scalar",
      "sliding_window");

  private static final String TYPE = "model_type";

  private static final Set<String> COMMON =
      Set.of(
          TYPE,
          "bos_token_id",
          "dtype",
          "eos_token_id",
          "head_dim",
          "hidden_act",
          "hidden_size",
          "intermediate_size",
          "max_position_embeddings",
          "num_attention_heads",
          "num_hidden_layers",
          "num_key_value_heads",
          "rms_norm_eps",
          "rope_parameters",
          "rope_scaling",
          "rope_theta",
          "tie_word_embeddings",
          "torch_dtype",
          "vocab_size");

  /** The one value that a setting may have, where it is there at all. */
  private static final Map<String, String> FIXED =
      Map.of(
          "add_cross_attention", "false",
          "is_encoder_decoder", "false",
          "pruned_heads", "{}",
          "rope_interleaved", "false",
          "tie_encoder_decoder", "false",
          "use_bidirectional_attention", "false");

  /** What matters in training only, to how a text is continued, or to nobody. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "_attn_implementation_autoset",
          "_name_or_path",
          "architectures",
          "attention_dropout",
          "cache_implementation",
          "chunk_size_feed_forward",
          "gradient_checkpointing",
          "id2label",
          "initializer_range",
          "is_decoder",
          "is_llama_config",
          "label2id",
          "model_max_length",
          "output_attentions",
          "output_hidden_states",
          "pad_token_id",
          "pretraining_tp",
          "problem_type",
          "return_dict",
          SyntheticDecoder.MARK,
          "task_specific_params",
          "tokenizer_class",
          "torchscript",
          "transformers_version",
          "unsloth_fixed",
          "unsloth_version",
          "use_cache");

  private final Set<String> settings;

  DecoderFamily(String... settings) {
    this.settings = Set.of(settings);
  }

  /** What config.json calls it. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  static List<String> ids() {
    return Arrays.stream(values()).map(DecoderFamily::id).toList();
  }

  static DecoderFamily of(Settings config) {
    String type = config.text(TYPE, "");
    for (DecoderFamily family : values()) {
      if (family.id().equals(type)) {
        return family;
      }
    }
    throw config.wrong(TYPE, "one of " + ids());
  }

  /** Refuses what this family does not have, or what is not supported. */
  void check(Settings config, String key, JsonNode value) {
    String only = FIXED.get(key);
    if (only != null) {
      if (!value.isNull() && !value.toString().equals(only)) {
        throw fail(config.file(), key + " is " + value + ", only " + only + " is supported");
      }
    } else if (!COMMON.contains(key) && !settings.contains(key) && !WITHOUT_EFFECT.contains(key)) {
      throw fail(
          config.file(),
          key
              + " ("
              + value
              + ") is not known for "
              + id()
              + ", it may change what the model computes");
    }
  }
}
