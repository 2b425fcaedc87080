package dev.sinter.bench.peers;

import dev.sinter.bench.DecoderShape;
import dev.sinter.bench.peers.GgufWriter.Type;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A decoder of the Llama family as a GGUF file: all matrices in Q4_0, embeddings and head among
 * them (what llama.cpp calls pure), norms in f32. Its tokens are single characters, so that any
 * sequence of ids is a text that is cut into these ids again.
 */
final class LlamaGguf {
  private static final String EMBEDDINGS = "token_embd.weight";

  // The first tokens; all others are characters.
  private static final int BOS = 1;
  private static final int EOS = 2;
  private static final int NEW_LINE = 3; // without the byte for it no vocabulary loads
  private static final List<String> FIRST = List.of("<unk>", "<s>", "</s>", "<0x0A>");
  private static final int[] FIRST_TYPES = {2, 3, 3, 6}; // unknown, control, control, byte
  private static final int NORMAL = 1;

  // Ideographs, then syllables: characters that no text normalization touches.
  private static final int IDEOGRAPHS = 0x4E00;
  private static final int IDEOGRAPH_COUNT = 20_992;
  private static final int SYLLABLES = 0xAC00;
  private static final int SYLLABLE_COUNT = 11_172;

  private static final int FILE_TYPE_Q4_0 = 2;
  private static final int QUANTIZATION_VERSION = 2;

  private final Path folder;
  private final DecoderShape shape;
  private final GgufWriter writer = new GgufWriter();

  /**
   * @param folder of Hugging Face
   */
  LlamaGguf(Path folder) {
    this.folder = folder;
    shape = DecoderShape.read(folder);
    int most = FIRST.size() + IDEOGRAPH_COUNT + SYLLABLE_COUNT;
    if (shape.vocabulary() > most) {
      throw new IllegalArgumentException(
          "a vocabulary of " + shape.vocabulary() + ", there are characters for " + most);
    }
    settings();
    vocabulary();
    tensors();
  }

  DecoderShape shape() {
    return shape;
  }

  /** Bytes that each token reads: all but the embeddings. */
  long weightBytes() {
    return writer.bytesWithout(EMBEDDINGS);
  }

  /** The text that is cut into these ids, each of which is at least 3. */
  static String text(int[] ids) {
    StringBuilder text = new StringBuilder();
    Arrays.stream(ids).mapToObj(LlamaGguf::piece).forEach(text::append);
    return text.toString();
  }

  /** What one token reads as; empty for those that are no text. */
  static String piece(int id) {
    if (id < FIRST.size()) {
      return id == NEW_LINE ? "\n" : "";
    }
    return Character.toString(character(id - FIRST.size()));
  }

  private static int character(int index) {
    return index < IDEOGRAPH_COUNT ? IDEOGRAPHS + index : SYLLABLES + index - IDEOGRAPH_COUNT;
  }

  private void settings() {
    writer
        .set("general.architecture", "llama")
        .set("general.name", "random weights")
        .set("general.file_type", FILE_TYPE_Q4_0)
        .set("general.quantization_version", QUANTIZATION_VERSION)
        .set("llama.context_length", shape.context())
        .set("llama.embedding_length", shape.hidden())
        .set("llama.block_count", shape.layers())
        .set("llama.feed_forward_length", shape.width())
        .set("llama.rope.dimension_count", shape.headDim())
        .set("llama.rope.freq_base", (float) shape.theta())
        .set("llama.attention.head_count", shape.heads())
        .set("llama.attention.head_count_kv", shape.kvHeads())
        .set("llama.attention.layer_norm_rms_epsilon", (float) shape.epsilon())
        .set("llama.vocab_size", shape.vocabulary());
  }

  private void vocabulary() {
    List<String> tokens = new ArrayList<>(FIRST);
    for (int i = 0; i < shape.vocabulary() - FIRST.size(); i++) {
      tokens.add(Character.toString(character(i)));
    }
    int[] types = Arrays.copyOf(FIRST_TYPES, tokens.size());
    Arrays.fill(types, FIRST.size(), types.length, NORMAL);
    writer
        .set("tokenizer.ggml.model", "llama")
        .set("tokenizer.ggml.tokens", tokens)
        .set("tokenizer.ggml.scores", new float[tokens.size()])
        .set("tokenizer.ggml.token_type", types)
        .set("tokenizer.ggml.bos_token_id", BOS)
        .set("tokenizer.ggml.eos_token_id", EOS)
        .set("tokenizer.ggml.unknown_token_id", 0)
        .set("tokenizer.ggml.add_bos_token", false)
        .set("tokenizer.ggml.add_space_prefix", false);
  }

  private void tensors() {
    int hidden = shape.hidden();
    int keys = shape.kvHeads() * shape.headDim();
    matrix(EMBEDDINGS, "model.embed_tokens", shape.vocabulary(), hidden);
    for (int i = 0; i < shape.layers(); i++) {
      String to = "blk." + i + ".";
      String from = "model.layers." + i + ".";
      norm(to + "attn_norm.weight", from + "input_layernorm");
      rotated(to + "attn_q.weight", from + "self_attn.q_proj", hidden);
      rotated(to + "attn_k.weight", from + "self_attn.k_proj", keys);
      matrix(to + "attn_v.weight", from + "self_attn.v_proj", keys, hidden);
      matrix(to + "attn_output.weight", from + "self_attn.o_proj", hidden, hidden);
      norm(to + "ffn_norm.weight", from + "post_attention_layernorm");
      matrix(to + "ffn_gate.weight", from + "mlp.gate_proj", shape.width(), hidden);
      matrix(to + "ffn_up.weight", from + "mlp.up_proj", shape.width(), hidden);
      matrix(to + "ffn_down.weight", from + "mlp.down_proj", hidden, shape.width());
    }
    norm("output_norm.weight", "model.norm");
    matrix("output.weight", "lm_head", shape.vocabulary(), hidden);
  }

  private void norm(String name, String module) {
    writer.add(name, Type.F32, 0, shape.hidden(), () -> floats(read(module)));
  }

  private static byte[] floats(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  private void matrix(String name, String module, int rows, int columns) {
    writer.add(
        name, Type.Q4_0, rows, columns, () -> quantize(read(module), rows, columns, row -> row));
  }

  /**
   * Queries or keys: Hugging Face rotates elements i and i + headDim / 2 of a head together, and
   * llama.cpp neighbours.
   */
  private void rotated(String name, String module, int rows) {
    int dim = shape.headDim();
    IntUnaryOperator from = row -> row / dim * dim + row % dim / 2 + row % 2 * (dim / 2);
    int columns = shape.hidden();
    writer.add(name, Type.Q4_0, rows, columns, () -> quantize(read(module), rows, columns, from));
  }

  /**
   * @param from the row of the values that each row takes
   */
  private static byte[] quantize(float[] values, int rows, int columns, IntUnaryOperator from) {
    byte[] blocks = new byte[Math.toIntExact(Type.Q4_0.bytes((long) rows * columns))];
    int rowBytes = blocks.length / rows;
    IntStream.range(0, rows)
        .parallel()
        .forEach(
            row -> {
              int start = from.applyAsInt(row) * columns;
              ByteBuffer to = ByteBuffer.wrap(blocks, row * rowBytes, rowBytes);
              float[] own = Arrays.copyOfRange(values, start, start + columns);
              Q40.quantize(own, to.order(ByteOrder.LITTLE_ENDIAN));
            });
    return blocks;
  }

  /** A checkpoint keeps what it has read until it is closed: so each tensor opens its own. */
  private float[] read(String module) {
    try (Checkpoint checkpoint = CheckpointFiles.open(CheckpointFiles.inFolder(folder).get())) {
      return checkpoint.tensor(module + ".weight").toFloats();
    }
  }

  /** Writes the file; it appears when it is whole. */
  void write(Path file) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.deleteIfExists(part);
    writer.write(part);
    Files.move(part, file);
  }
}
