package dev.sinter.bench.peers;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.bench.DecoderShape;
import dev.sinter.bench.peers.GgufWriter.Type;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.cli.Json;
import dev.sinter.models.DecoderModel;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.DecoderSession;
import dev.sinter.models.Progress;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import dev.sinter.tensor.Scheme;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A small decoder whose weights are values that Q4_0 can hold, and large enough that a wrong
 * rotation or head shows: what llama.cpp makes of it must be what our float64 reference makes of
 * it, but for llama.cpp's rounding of activations to int8.
 *
 * @param folder is deleted on {@link #close}
 */
record LlamaCheck(Path folder) implements AutoCloseable {
  static final DecoderShape SHAPE = new DecoderShape(2, 64, 96, 4, 2, 96, 256, 10_000, 1e-5);

  private static final int SEED = 3;
  private static final double DEVIATION = 0.3;
  private static final int PROMPTS = 12;
  private static final int LENGTH = 12;
  private static final int FIRST_ID = 4; // of those that are characters

  // How far from the largest logit the chosen one may be, as a part of the spread of all: chosen,
  // not derived. llama.cpp rounds activations to int8.
  private static final double BOUND = 0.1;

  private static final String FILE = "check.gguf";

  static LlamaCheck make(Path folder) throws IOException {
    ObjectNode config = Json.object();
    config.putArray("architectures").add("LlamaForCausalLM");
    config
        .put("model_type", "llama")
        .put("torch_dtype", "float32")
        .put("num_hidden_layers", SHAPE.layers())
        .put("hidden_size", SHAPE.hidden())
        .put("intermediate_size", SHAPE.width())
        .put("num_attention_heads", SHAPE.heads())
        .put("num_key_value_heads", SHAPE.kvHeads())
        .put("vocab_size", SHAPE.vocabulary())
        .put("max_position_embeddings", SHAPE.context())
        .put("rope_theta", SHAPE.theta())
        .put("rms_norm_eps", SHAPE.epsilon())
        .put("hidden_act", "silu")
        .put("tie_word_embeddings", false)
        .put("bos_token_id", 1)
        .put("eos_token_id", 2);
    Json.MAPPER.writeValue(folder.resolve("config.json").toFile(), config);
    try (Arena arena = Arena.ofConfined()) {
      CheckpointWriter.write(folder.resolve("model.safetensors"), tensors(arena), Map.of());
    }
    return new LlamaCheck(folder);
  }

  private static List<RawTensor> tensors(Arena arena) {
    SplittableRandom random = new SplittableRandom(SEED);
    List<RawTensor> tensors = new ArrayList<>();
    int hidden = SHAPE.hidden();
    int keys = SHAPE.kvHeads() * SHAPE.headDim();
    tensors.add(matrix("model.embed_tokens", SHAPE.vocabulary(), hidden, random, arena));
    for (int i = 0; i < SHAPE.layers(); i++) {
      String layer = "model.layers." + i + ".";
      tensors.add(norm(layer + "input_layernorm", random, arena));
      tensors.add(matrix(layer + "self_attn.q_proj", hidden, hidden, random, arena));
      tensors.add(matrix(layer + "self_attn.k_proj", keys, hidden, random, arena));
      tensors.add(matrix(layer + "self_attn.v_proj", keys, hidden, random, arena));
      tensors.add(matrix(layer + "self_attn.o_proj", hidden, hidden, random, arena));
      tensors.add(norm(layer + "post_attention_layernorm", random, arena));
      tensors.add(matrix(layer + "mlp.gate_proj", SHAPE.width(), hidden, random, arena));
      tensors.add(matrix(layer + "mlp.up_proj", SHAPE.width(), hidden, random, arena));
      tensors.add(matrix(layer + "mlp.down_proj", hidden, SHAPE.width(), random, arena));
    }
    tensors.add(norm("model.norm", random, arena));
    tensors.add(matrix("lm_head", SHAPE.vocabulary(), hidden, random, arena));
    return tensors;
  }

  /** Normally distributed, then rounded to what Q4_0 can hold. */
  private static RawTensor matrix(
      String module, int rows, int columns, SplittableRandom random, Arena arena) {
    MemorySegment data = arena.allocate(4L * rows * columns, 64);
    int rowBytes = (int) Type.Q4_0.bytes(columns);
    for (int row = 0; row < rows; row++) {
      float[] values = new float[columns];
      for (int i = 0; i < columns; i++) {
        values[i] = (float) (DEVIATION * random.nextGaussian());
      }
      ByteBuffer blocks = ByteBuffer.allocate(rowBytes).order(ByteOrder.LITTLE_ENDIAN);
      Q40.quantize(values, blocks);
      float[] held = Q40.dequantize(blocks.array(), 0, columns);
      MemorySegment.copy(held, 0, data, ValueLayout.JAVA_FLOAT, 4L * row * columns, columns);
    }
    return new RawTensor(module + ".weight", DType.F32, new long[] {rows, columns}, data);
  }

  private static RawTensor norm(String module, SplittableRandom random, Arena arena) {
    int width = SHAPE.hidden();
    MemorySegment data = arena.allocate(4L * width, 64);
    for (int i = 0; i < width; i++) {
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (1 + 0.2 * random.nextGaussian()));
    }
    return new RawTensor(module + ".weight", DType.F32, new long[] {width}, data);
  }

  /**
   * The Java binding gives no logits, and asking it for probabilities ends the process: so what is
   * compared is the most likely token behind each of a dozen prompts.
   *
   * @return null if llama.cpp chooses as the reference does, else what differs
   */
  String disagreement(int threads) {
    try (Sinter sinter = Sinter.open(new SinterOptions(1, "reference", null));
        DecoderModel model =
            DecoderModel.load(sinter, folder, DecoderOptions.of(Scheme.F32), Progress.none());
        DecoderSession session = model.open();
        LlamaDecoder decoder = LlamaDecoder.open(folder, folder.resolve(FILE), threads)) {
      SplittableRandom random = new SplittableRandom(SEED);
      for (int i = 0; i < PROMPTS; i++) {
        int[] prompt = random.ints(LENGTH, FIRST_ID, SHAPE.vocabulary()).toArray();
        session.truncate(0);
        session.prefill(prompt);
        String wrong = disagreement(session.logits(), decoder.first(prompt));
        if (wrong != null) {
          return "prompt " + i + ": " + wrong;
        }
      }
      return null;
    }
  }

  /**
   * @param logits of the reference
   * @param chosen what the token that llama.cpp chose reads as
   */
  static String disagreement(float[] logits, String chosen) {
    double sum = 0;
    double squares = 0;
    int best = 0;
    int actual = -1;
    for (int id = 0; id < logits.length; id++) {
      sum += logits[id];
      squares += (double) logits[id] * logits[id];
      best = logits[id] > logits[best] ? id : best;
      actual = id >= FIRST_ID && LlamaGguf.piece(id).equals(chosen) ? id : actual;
    }
    if (best < FIRST_ID && actual < 0) {
      return null; // one that reads as nothing
    }
    double mean = sum / logits.length;
    double allowed = BOUND * Math.sqrt(squares / logits.length - mean * mean);
    boolean right = actual >= 0 && logits[best] - logits[actual] <= allowed;
    return right ? null : "token " + actual + " was chosen, the most likely is " + best;
  }

  @Override
  public void close() throws IOException {
    for (String name : List.of("config.json", "model.safetensors", FILE)) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.delete(folder);
  }
}
