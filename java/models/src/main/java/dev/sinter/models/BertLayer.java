package dev.sinter.models;

import dev.sinter.Sinter;
import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.compress.BiasCorrection;
import dev.sinter.compress.ErrorReport;
import dev.sinter.layer.Attention;
import dev.sinter.layer.LayerNorm;
import dev.sinter.layer.Linear;
import dev.sinter.layer.SequenceBatch;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.RawTensor;
import dev.sinter.tensor.RowStack;
import dev.sinter.tensor.Scheme;
import dev.sinter.tensor.Sparse;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * One post-norm transformer layer (Devlin et al., 2019): attention, residual, layer norm, GELU MLP,
 * residual, layer norm. Query, key and value run as one matmul. A layer has the norm in front of it
 * (that of the embeddings, or the last one of the layer before) rather than its own last one: a
 * norm quantizes for the matmul behind it in the same pass.
 */
final class BertLayer implements AutoCloseable {
  /** The buffers of a pass, shared by all layers. */
  record Buffers(
      MemorySegment hidden,
      MemorySegment qkv,
      MemorySegment context,
      MemorySegment inner,
      SegmentAllocator codes,
      SequenceBatch batch) {}

  private final LayerCompression compression;
  private final Map<String, Linear> linears = new LinkedHashMap<>(); // by name, also of q, k, v
  private final Map<String, ErrorReport> errors = new LinkedHashMap<>();
  private LayerNorm inputNorm;
  private Linear qkv;
  private Linear attentionOutput;
  private LayerNorm attentionNorm;
  private Linear intermediate;
  private Linear output;

  private BertLayer(LayerCompression compression) {
    this.compression = compression;
  }

  /** Reads, compresses and packs the weights of layer {@code index}. */
  static BertLayer load(
      Sinter sinter,
      Checkpoint checkpoint,
      int index,
      BertConfig config,
      LayerCompression compression) {
    String prefix = "encoder.layer." + index + ".";
    String attention = prefix + "attention.";
    String normBefore = normBefore(index);
    Epilogue residual = new Epilogue(true, Activation.NONE, true);
    Epilogue gelu = new Epilogue(true, Activation.GELU_ERF, false);
    InputMeans means = new InputMeans(checkpoint);
    BertLayer layer = new BertLayer(compression);
    try {
      layer.qkv =
          layer.linear(
              sinter,
              checkpoint,
              Epilogue.BIAS,
              () -> means.behindNorm(normBefore),
              attention + "self.query",
              attention + "self.key",
              attention + "self.value");
      layer.inputNorm = norm(sinter, checkpoint, normBefore, config, layer.qkv);
      layer.attentionOutput =
          layer.linear(
              sinter,
              checkpoint,
              residual,
              () -> means.behindLinear(attention + "self.value", normBefore),
              attention + "output.dense");
      layer.intermediate =
          layer.linear(
              sinter,
              checkpoint,
              gelu,
              () -> means.behindNorm(attention + "output.LayerNorm"),
              prefix + "intermediate.dense");
      layer.attentionNorm =
          norm(sinter, checkpoint, attention + "output.LayerNorm", config, layer.intermediate);
      layer.output =
          layer.linear(
              sinter,
              checkpoint,
              residual,
              () -> means.behindGelu(prefix + "intermediate.dense", attention + "output.LayerNorm"),
              prefix + "output.dense");
      return layer;
    } catch (RuntimeException | Error e) {
      layer.close();
      throw e;
    }
  }

  /**
   * @param inputMean what the input is on average; asked only if the bias is corrected by it
   */
  private Linear linear(
      Sinter sinter,
      Checkpoint checkpoint,
      Epilogue epilogue,
      Supplier<float[]> inputMean,
      String... names) {
    // Shared, because the workers pack from it; gone when the kernel has its own copy.
    try (Arena arena = Arena.ofShared()) {
      List<CompressedTensor> parts = new ArrayList<>();
      List<float[]> biases = new ArrayList<>();
      for (String name : names) {
        Dense weights = Dense.of(checkpoint.tensor(name + ".weight"));
        CompressedTensor part = compression.apply(weights, arena);
        float[] bias = vector(checkpoint, name + ".bias", weights.rows());
        if (part instanceof Sparse || part instanceof Quantized) {
          errors.put(name, ErrorReport.of(weights, part));
        }
        // With int4 the means are no longer those of the exact model: measured, it does not help.
        Scheme.Kind kind = compression.scheme().kind();
        if (kind == Scheme.Kind.W8A8 || kind == Scheme.Kind.W8A16) {
          bias = BiasCorrection.correct(weights, part, bias, inputMean.get());
        }
        parts.add(part);
        biases.add(bias);
      }
      CompressedTensor all =
          parts.size() == 1 ? parts.getFirst() : RowStack.of(names[0] + "+", parts, arena);
      ActivationScheme activations = compression.scheme().activations();
      Linear linear = Linear.of(sinter, all, concatenate(biases), activations, epilogue);
      for (String name : names) {
        linears.put(name, linear);
      }
      return linear;
    }
  }

  private static float[] concatenate(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(p -> p.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** The norm behind the embeddings and {@code layers} layers. */
  static String normBefore(int layers) {
    return layers == 0
        ? "embeddings.LayerNorm"
        : "encoder.layer." + (layers - 1) + ".output.LayerNorm";
  }

  /**
   * @param next the matmul that takes the result; null for none
   */
  static LayerNorm norm(
      Sinter sinter, Checkpoint checkpoint, String name, BertConfig config, Linear next) {
    float[] gamma = checkpoint.tensor(name + ".weight").toFloats();
    float[] beta = vector(checkpoint, name + ".bias", gamma.length);
    return LayerNorm.of(sinter, gamma, beta, config.layerNormEps(), next);
  }

  static float[] vector(Checkpoint checkpoint, String name, int length) {
    RawTensor tensor = checkpoint.tensor(name);
    if (tensor.elements() != length) {
      throw new CheckpointException(
          checkpoint.file(), name, -1, "has " + tensor.elements() + " values, expected " + length);
    }
    return tensor.toFloats();
  }

  /** Bytes the codes of any input of this layer take. */
  long codesBytes(int rows) {
    return Stream.of(qkv, attentionOutput, intermediate, output)
        .mapToLong(l -> l.codesBytes(rows))
        .max()
        .getAsLong();
  }

  /**
   * Appends the norm of the hidden states in front of this layer.
   *
   * @return the input that {@link #plan} takes, which nothing in between may spoil
   */
  ActivationBuffer planInput(PlanBuilder plan, String name, Buffers b) {
    return normalize(plan, name + "input norm", inputNorm, qkv, b);
  }

  /**
   * Appends the operations that turn the hidden states into those behind this layer, but a norm.
   */
  void plan(PlanBuilder plan, String name, ActivationBuffer input, Buffers b, Attention attention) {
    multiply(plan, name + "qkv", qkv, input, b.qkv(), b);
    plan.operation(attention.operation(name + "attention", b.qkv(), b.context(), b.batch()));
    // The residual connections: both outputs are added to the hidden states where they lie.
    quantizeAndMultiply(
        plan, name + "attention output", attentionOutput, b.context(), b.hidden(), b);
    ActivationBuffer normal =
        normalize(plan, name + "attention norm", attentionNorm, intermediate, b);
    multiply(plan, name + "intermediate", intermediate, normal, b.inner(), b);
    quantizeAndMultiply(plan, name + "output", output, b.inner(), b.hidden(), b);
  }

  /** Normalizes the hidden states where they lie, and quantizes them for {@code next}. */
  private ActivationBuffer normalize(
      PlanBuilder plan, String name, LayerNorm norm, Linear next, Buffers b) {
    ActivationBuffer out = input(next, b.hidden(), b);
    plan.step(name, norm.step(b.hidden(), b.hidden(), out));
    return out;
  }

  private void quantizeAndMultiply(
      PlanBuilder plan, String name, Linear linear, MemorySegment x, MemorySegment y, Buffers b) {
    ActivationBuffer input = input(linear, x, b);
    if (linear.inputCodes() != null) {
      plan.step("quantize", linear.quantize(x, input));
    }
    multiply(plan, name, linear, input, y, b);
  }

  /** Room for what {@code linear} makes of x, or x itself. */
  private static ActivationBuffer input(Linear linear, MemorySegment x, Buffers b) {
    int rows = b.batch().maxRows();
    return linear.inputCodes() == null
        ? ActivationBuffer.floats(x, rows, linear.spec().k())
        : linear.codes(b.codes(), rows);
  }

  private static void multiply(
      PlanBuilder plan,
      String name,
      Linear linear,
      ActivationBuffer x,
      MemorySegment y,
      Buffers b) {
    plan.operation(linear.operation(name, x, y, b.batch()::rows));
  }

  /** The linear layers by their checkpoint names; query, key and value are one and the same. */
  Map<String, Linear> linears() {
    return linears;
  }

  /** What pruning and quantization did to each weight matrix; empty for full f32 or bf16. */
  Map<String, ErrorReport> errors() {
    return errors;
  }

  /** Bytes of all parameters. */
  long bytes() {
    return Stream.of(qkv, attentionOutput, intermediate, output).mapToLong(Linear::bytes).sum()
        + inputNorm.bytes()
        + attentionNorm.bytes();
  }

  @Override
  public void close() {
    Stream.of(inputNorm, qkv, attentionOutput, attentionNorm, intermediate, output)
        .forEach(
            part -> {
              switch (part) {
                case Linear l -> l.close();
                case LayerNorm n -> n.close();
                case null, default -> {}
              }
            });
  }
}
