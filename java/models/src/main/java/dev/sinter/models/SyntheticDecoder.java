package dev.sinter.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Writes decoders with the shapes of real ones and random weights: for measuring speed and memory
 * without a download. What they say means nothing. They are marked as what they are: by {@value
 * #MARK} in config.json and in the metadata of the weights.
 */
public final class SyntheticDecoder {
  /** In config.json, says that the weights are random. */
  static final String MARK = "sinter_synthetic";

  /** Most bytes of weights in a file, and so in memory; a larger tensor has a file of its own. */
  private static final long SHARD_BYTES = 256L << 20;

  private static final long ALIGNMENT = 64;
  private static final double DEVIATION = 0.02;
  private static final JsonMapper MAPPER = new JsonMapper();

  private SyntheticDecoder() {}

  /** The names that {@link #write} knows. */
  public static List<String> names() {
    return Arrays.stream(SyntheticShape.values()).map(SyntheticShape::id).toList();
  }

  /**
   * Writes config.json, tokenizer.json and the weights in bf16 to a folder.
   *
   * @param name one of {@link #names}
   * @param context longest text in tokens; 0 for that of the real model
   * @param seed of the weights
   * @param folder is made; must be empty if it is there
   * @throws IllegalArgumentException for an unknown name, or a folder that is not empty
   * @throws UncheckedIOException if writing fails
   */
  public static void write(String name, int context, long seed, Path folder, Progress progress) {
    SyntheticShape shape =
        Arrays.stream(SyntheticShape.values())
            .filter(s -> s.id().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "no architecture \"" + name + "\", only " + names()));
    if (context < 0) {
      throw new IllegalArgumentException("context must be at least 0, got " + context);
    }
    try {
      Files.createDirectories(folder);
      try (var entries = Files.list(folder)) {
        if (entries.findAny().isPresent()) {
          throw new IllegalArgumentException(folder + " is not empty");
        }
      }
      String mark = "random weights, seed " + seed + ", in the shape of " + name + "; not trained";
      ObjectNode config = shape.config(context).put(MARK, mark);
      writeWeights(shape.tensors(), mark, seed, folder, progress);
      SyntheticTokenizer.write(shape, folder.resolve("tokenizer.json"));
      // Last, so that a folder that was not finished is no model.
      MAPPER
          .writerWithDefaultPrettyPrinter()
          .writeValue(folder.resolve("config.json").toFile(), config);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " cannot be written: " + e, e);
    }
  }

  /** File after file, as {@link CheckpointWriter#writeShards} names them. */
  private static void writeWeights(
      List<SyntheticShape.Tensor> tensors, String mark, long seed, Path folder, Progress progress)
      throws IOException {
    List<List<SyntheticShape.Tensor>> shards = shards(tensors);
    ObjectNode index = JsonNodeFactory.instance.objectNode();
    long total = tensors.stream().mapToLong(SyntheticShape.Tensor::bytes).sum();
    index.putObject("metadata").put("total_size", total);
    ObjectNode placed = index.putObject("weight_map");
    short[] values = values();
    long done = 0;
    for (int i = 0; i < shards.size(); i++) {
      String file =
          String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
      try (Arena arena = Arena.ofShared()) {
        List<RawTensor> made = new ArrayList<>();
        for (SyntheticShape.Tensor t : shards.get(i)) {
          progress.step("weights", done, total);
          made.add(make(t, values, seed, arena));
          placed.put(t.name(), file);
          done += t.bytes();
        }
        CheckpointWriter.write(folder.resolve(file), made, Map.of(MARK, mark));
      }
    }
    progress.step("weights", total, total);
    MAPPER.writeValue(folder.resolve("model.safetensors.index.json").toFile(), index);
  }

  private static List<List<SyntheticShape.Tensor>> shards(List<SyntheticShape.Tensor> tensors) {
    List<List<SyntheticShape.Tensor>> shards = new ArrayList<>();
    long left = 0;
    for (SyntheticShape.Tensor t : tensors) {
      if (shards.isEmpty() || t.bytes() > left) {
        shards.add(new ArrayList<>());
        left = SHARD_BYTES;
      }
      shards.getLast().add(t);
      left -= t.bytes();
    }
    return shards;
  }

  /** 2^16 normally distributed values as bf16, to draw from. */
  private static short[] values() {
    Random random = new Random(1);
    short[] values = new short[1 << Short.SIZE];
    for (int i = 0; i < values.length; i++) {
      values[i] = DType.roundToBf16((float) (DEVIATION * random.nextGaussian()));
    }
    return values;
  }

  /** Norms are 1; everything else is random, each row from a seed of its own. */
  private static RawTensor make(SyntheticShape.Tensor t, short[] values, long seed, Arena arena) {
    MemorySegment data = arena.allocate(t.bytes(), ALIGNMENT);
    int rows = t.columns() == 0 ? 1 : t.rows();
    int width = t.columns() == 0 ? t.rows() : t.columns();
    short one = DType.roundToBf16(1);
    long own = seed * 31 + t.name().hashCode();
    IntStream.range(0, rows)
        .parallel()
        .forEach(
            row -> {
              SplittableRandom random = new SplittableRandom(own * 0x1F_FFFF_FFFFL + row);
              for (int i = 0; i < width; i++) {
                short value = t.isNorm() ? one : values[random.nextInt() >>> Short.SIZE];
                data.setAtIndex(ValueLayout.JAVA_SHORT, (long) row * width + i, value);
              }
            });
    return new RawTensor(t.name(), DType.BF16, t.shape(), data);
  }

  /** The tokens of a synthetic model: bytes, and words that no text has. */
  private static final class SyntheticTokenizer {
    private SyntheticTokenizer() {}

    static void write(SyntheticShape shape, Path file) throws IOException {
      JsonNodeFactory json = JsonNodeFactory.instance;
      ObjectNode root = json.objectNode().put("version", "1.0");
      root.putNull("truncation").putNull("padding");
      ArrayNode added = root.putArray("added_tokens");
      ObjectNode vocabulary = json.objectNode();
      added(added, shape.bos(), "<s>");
      vocabulary.put("<s>", shape.bos());
      if (shape.eos() != shape.bos()) {
        added(added, shape.eos(), "</s>");
        vocabulary.put("</s>", shape.eos());
      }
      int bytes = 0;
      for (int id = 0; id < shape.vocabulary(); id++) {
        if (id != shape.bos() && id != shape.eos()) {
          vocabulary.put(bytes < 256 ? byteSymbol(bytes++) : "\u0120w" + id, id);
        }
      }
      root.putNull("normalizer");
      root.set("pre_tokenizer", byteLevel(json));
      root.putNull("post_processor");
      root.set("decoder", byteLevel(json));
      ObjectNode model = root.putObject("model").put("type", "BPE");
      model.putNull("dropout").putNull("unk_token");
      model.set("vocab", vocabulary);
      model.putArray("merges");
      MAPPER.writeValue(file.toFile(), root);
    }

    private static void added(ArrayNode to, int id, String content) {
      to.addObject()
          .put("id", id)
          .put("content", content)
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
    }

    private static ObjectNode byteLevel(JsonNodeFactory json) {
      return json.objectNode()
          .put("type", "ByteLevel")
          .put("add_prefix_space", false)
          .put("trim_offsets", true)
          .put("use_regex", true);
    }

    /**
     * The character that stands for a byte in a byte-level tokenizer: itself if it is visible in
     * Latin-1, else the next from U+0100 on (Radford et al., GPT-2, 2019).
     */
    private static String byteSymbol(int value) {
      int hidden = 0;
      for (int b = 0; b < value; b++) {
        hidden += isVisible(b) ? 0 : 1;
      }
      return Character.toString(isVisible(value) ? value : 0x100 + hidden);
    }

    private static boolean isVisible(int b) {
      return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
    }
  }
}
