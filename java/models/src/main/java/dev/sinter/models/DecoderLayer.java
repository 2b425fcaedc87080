package dev.sinter.models;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.layer.CachedAttention;
import dev.sinter.layer.HeadNorm;
import dev.sinter.layer.Linear;
import dev.sinter.layer.RmsNorm;
import dev.sinter.layer.Rope;
import dev.sinter.layer.RowOperation;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * One pre-norm transformer layer: RMS norm, attention, residual, RMS norm, gated MLP, residual
 * (Touvron et al., Llama, 2023); with Gemma 2's norms behind both blocks if there are any. Query,
 * key and value run as one matmul, and so do gate and up where the backend has gates.
 */
final class DecoderLayer implements AutoCloseable {
  private final int index;
  private RmsNorm attentionNorm;
  private Linear qkv;
  private HeadNorm headNorm; // null for none
  private Linear attentionOutput;
  private RmsNorm behindAttention; // null for none
  private RmsNorm mlpNorm;
  private DecoderMlp mlp;
  private RmsNorm behindMlp; // null for none

  private DecoderLayer(int index) {
    this.index = index;
  }

  /** Reads, compresses and packs the weights of layer {@code index}. */
  static DecoderLayer load(
      LinearLoader loader, DecoderConfig config, int index, DecoderScheme scheme) {
    DecoderLayer layer = new DecoderLayer(index);
    try {
      layer.load(loader, config, scheme);
      return layer;
    } catch (RuntimeException | Error e) {
      layer.close();
      throw e;
    }
  }

  private void load(LinearLoader loader, DecoderConfig config, DecoderScheme scheme) {
    String prefix = "layers." + index + ".";
    int hidden = config.hidden();
    boolean behind = config.norms().behindBlocks();
    loadAttention(loader, config, scheme.attention(), prefix + "self_attn.");
    attentionNorm = norm(loader, config, prefix + "input_layernorm", qkv);
    mlp = DecoderMlp.load(loader, config, scheme.mlp(), prefix + "mlp.");
    // With norms behind the blocks, the norm before the MLP has another name.
    String beforeMlp = behind ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    mlpNorm = norm(loader, config, prefix + beforeMlp, mlp.first());
    if (behind) {
      behindAttention = norm(loader, config, prefix + "post_attention_layernorm", null);
      behindMlp = norm(loader, config, prefix + "post_feedforward_layernorm", null);
    }
    if (config.attention().headNorms()) {
      int width = config.attention().headDim();
      boolean plusOne = config.norms().plusOne();
      DecoderTensors tensors = loader.tensors();
      headNorm =
          HeadNorm.of(
              loader.sinter(),
              config.attention().heads(),
              config.attention().kvHeads(),
              tensors.norm(prefix + "self_attn.q_norm", width, plusOne),
              tensors.norm(prefix + "self_attn.k_norm", width, plusOne),
              config.norms().epsilon());
    }
  }

  private void loadAttention(
      LinearLoader loader, DecoderConfig config, LayerCompression scheme, String prefix) {
    DecoderConfig.Attention a = config.attention();
    int hidden = config.hidden();
    int queries = a.heads() * a.headDim();
    int keys = a.kvHeads() * a.headDim();
    qkv =
        loader.stack(
            scheme,
            false,
            new LinearLoader.Part(prefix + "q_proj", queries, hidden, a.inputBias()),
            new LinearLoader.Part(prefix + "k_proj", keys, hidden, a.inputBias()),
            new LinearLoader.Part(prefix + "v_proj", keys, hidden, a.inputBias()));
    attentionOutput =
        loader.stack(
            scheme,
            !config.norms().behindBlocks(),
            new LinearLoader.Part(prefix + "o_proj", hidden, queries, a.outputBias()));
  }

  /**
   * @param next the matmul that takes the result; null for none
   */
  static RmsNorm norm(LinearLoader loader, DecoderConfig config, String module, Linear next) {
    float[] gamma = loader.tensors().norm(module, config.hidden(), config.norms().plusOne());
    return RmsNorm.of(loader.sinter(), gamma, config.norms().epsilon(), next);
  }

  /** The linear layers, for the size of the buffers. */
  Stream<Linear> linears() {
    return Stream.concat(Stream.of(qkv, attentionOutput), mlp.linears());
  }

  boolean hasOwnUp() {
    return mlp.hasOwnUp();
  }

  /** Appends the operations that turn the hidden states into those behind this layer. */
  void plan(PlanBuilder plan, DecoderBuffers b, Rope rope, CachedAttention attention) {
    String name = "layer " + index + " ";
    ActivationBuffer input = b.input(qkv, b.normed());
    plan.step(name + "attention norm", attentionNorm.step(b.hidden(), b.normed(), input));
    plan.operation(qkv.operation(name + "qkv", input, b.qkv(), b.batch()::rows));
    if (headNorm != null) {
      plan.step(name + "head norm", headNorm.step(b.qkv()));
    }
    plan.step(name + "rotation", rope.step(b.qkv(), b.batch()));
    plan.step("store", attention.store(index, b.qkv(), b.batch()));
    attention
        .operations(name + "attention", index, b.qkv(), b.context(), b.batch())
        .forEach(plan::operation);
    multiply(plan, name + "attention output", attentionOutput, b.context(), behindAttention, b);

    ActivationBuffer normal = b.input(mlp.first(), b.normed());
    plan.step(name + "MLP norm", mlpNorm.step(b.hidden(), b.normed(), normal));
    mlp.planInner(plan, name, normal, b);
    multiply(plan, name + "MLP output", mlp.output(), b.gate(), behindMlp, b);
  }

  /** Adds {@code x linear^T}, with or without a norm behind it, to the hidden states. */
  private static void multiply(
      PlanBuilder plan,
      String name,
      Linear linear,
      MemorySegment x,
      RmsNorm behind,
      DecoderBuffers b) {
    ActivationBuffer input = b.input(linear, x);
    if (linear.inputCodes() != null) {
      plan.step(name + " quantize", linear.quantize(x, input));
    }
    // Without a norm, the residual is in the epilogue.
    MemorySegment y = behind == null ? b.hidden() : b.normed();
    plan.operation(linear.operation(name, input, y, b.batch()::rows));
    if (behind != null) {
      plan.step(name + " norm", behind.step(y, y, null));
      plan.step("add", add(y, b.hidden(), linear.spec().n()));
    }
  }

  /** Adds rows of x to those of y. */
  private static RowOperation.Step add(MemorySegment x, MemorySegment y, int width) {
    return (from, to) -> {
      for (long i = (long) from * width; i < (long) to * width; i++) {
        y.setAtIndex(JAVA_FLOAT, i, y.getAtIndex(JAVA_FLOAT, i) + x.getAtIndex(JAVA_FLOAT, i));
      }
    };
  }

  /** Bytes of all parameters. */
  long bytes() {
    return linears().mapToLong(Linear::bytes).sum()
        + Stream.of(attentionNorm, behindAttention, mlpNorm, behindMlp)
            .filter(Objects::nonNull)
            .mapToLong(RmsNorm::bytes)
            .sum();
  }

  @Override
  public void close() {
    for (AutoCloseable part :
        new AutoCloseable[] {attentionNorm, headNorm, behindAttention, mlpNorm, behindMlp}) {
      switch (part) {
        case RmsNorm n -> n.close();
        case HeadNorm n -> n.close();
        case null, default -> {}
      }
    }
    for (Linear linear : new Linear[] {qkv, attentionOutput}) {
      if (linear != null) {
        linear.close();
      }
    }
    if (mlp != null) {
      mlp.close();
    }
  }
}
