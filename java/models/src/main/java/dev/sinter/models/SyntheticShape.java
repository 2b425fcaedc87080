package dev.sinter.models;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The shapes that {@link SyntheticDecoder} knows, as the config.json of the real models has them.
 */
enum SyntheticShape {
  /** Two layers, for trying things out: no real model. */
  TINY("tiny", "llama", 2, 64, 160, 4, 2, 320, 512, 10_000, 1e-5, false, 0, 1),
  TINYLLAMA(
      "tinyllama-1.1b", "llama", 22, 2048, 5632, 32, 4, 32_000, 2048, 10_000, 1e-5, false, 1, 2),
  QWEN25(
      "qwen2.5-0.5b",
      "qwen2",
      24,
      896,
      4864,
      14,
      2,
      151_936,
      32_768,
      1_000_000,
      1e-6,
      true,
      151_643,
      151_643),
  LLAMA32(
      "llama-3.2-1b",
      "llama",
      16,
      2048,
      8192,
      32,
      8,
      128_256,
      131_072,
      500_000,
      1e-5,
      true,
      128_000,
      128_001);

  private final String id;
  private final String family;
  private final int layers;
  private final int hidden;
  private final int intermediate;
  private final int heads;
  private final int kvHeads;
  private final int vocabulary;
  private final int context;
  private final double theta;
  private final double epsilon;
  private final boolean tied;
  private final int bos;
  private final int eos;

  SyntheticShape(
      String id,
      String family,
      int layers,
      int hidden,
      int intermediate,
      int heads,
      int kvHeads,
      int vocabulary,
      int context,
      double theta,
      double epsilon,
      boolean tied,
      int bos,
      int eos) {
    this.id = id;
    this.family = family;
    this.layers = layers;
    this.hidden = hidden;
    this.intermediate = intermediate;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.vocabulary = vocabulary;
    this.context = context;
    this.theta = theta;
    this.epsilon = epsilon;
    this.tied = tied;
    this.bos = bos;
    this.eos = eos;
  }

  /**
   * A tensor of the checkpoint.
   *
   * @param columns 0 for a vector
   */
  record Tensor(String name, int rows, int columns) {
    long bytes() {
      return 2L * rows * Math.max(1, columns);
    }

    long[] shape() {
      return columns == 0 ? new long[] {rows} : new long[] {rows, columns};
    }

    boolean isNorm() {
      return name.endsWith("norm.weight");
    }
  }

  String id() {
    return id;
  }

  int vocabulary() {
    return vocabulary;
  }

  int bos() {
    return bos;
  }

  int eos() {
    return eos;
  }

  /**
   * @param longest text in tokens; 0 for that of the real model
   */
  ObjectNode config(int longest) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config
        .putArray("architectures")
        .add(family.equals("qwen2") ? "Qwen2ForCausalLM" : "LlamaForCausalLM");
    config
        .put("model_type", family)
        .put("torch_dtype", "bfloat16")
        .put("hidden_size", hidden)
        .put("intermediate_size", intermediate)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("num_key_value_heads", kvHeads)
        .put("hidden_act", "silu")
        .put("max_position_embeddings", longest == 0 ? context : longest)
        .put("rms_norm_eps", epsilon)
        .put("rope_theta", theta)
        .put("tie_word_embeddings", tied)
        .put("vocab_size", vocabulary)
        .put("bos_token_id", bos)
        .put("eos_token_id", eos);
    if (this == LLAMA32) {
      config
          .putObject("rope_scaling")
          .put("rope_type", "llama3")
          .put("factor", 32.0)
          .put("low_freq_factor", 1.0)
          .put("high_freq_factor", 4.0)
          .put("original_max_position_embeddings", 8192);
    }
    return config;
  }

  /** All tensors, in the order of the layers. */
  List<Tensor> tensors() {
    List<Tensor> tensors = new ArrayList<>();
    int head = hidden / heads;
    tensors.add(new Tensor("model.embed_tokens.weight", vocabulary, hidden));
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      linear(tensors, layer + "self_attn.q_proj", hidden, hidden, family.equals("qwen2"));
      linear(tensors, layer + "self_attn.k_proj", kvHeads * head, hidden, family.equals("qwen2"));
      linear(tensors, layer + "self_attn.v_proj", kvHeads * head, hidden, family.equals("qwen2"));
      linear(tensors, layer + "self_attn.o_proj", hidden, hidden, false);
      linear(tensors, layer + "mlp.gate_proj", intermediate, hidden, false);
      linear(tensors, layer + "mlp.up_proj", intermediate, hidden, false);
      linear(tensors, layer + "mlp.down_proj", hidden, intermediate, false);
      tensors.add(new Tensor(layer + "input_layernorm.weight", hidden, 0));
      tensors.add(new Tensor(layer + "post_attention_layernorm.weight", hidden, 0));
    }
    tensors.add(new Tensor("model.norm.weight", hidden, 0));
    if (!tied) {
      tensors.add(new Tensor("lm_head.weight", vocabulary, hidden));
    }
    return tensors;
  }

  private static void linear(
      List<Tensor> tensors, String name, int rows, int columns, boolean bias) {
    tensors.add(new Tensor(name + ".weight", rows, columns));
    if (bias) {
      tensors.add(new Tensor(name + ".bias", rows, 0));
    }
  }
}
