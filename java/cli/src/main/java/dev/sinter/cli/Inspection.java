package dev.sinter.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.TensorInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a model's files hold.
 *
 * @param config the main settings of config.json; empty if there is none
 */
record Inspection(
    String file,
    Map<String, JsonNode> config,
    List<TensorInfo> tensors,
    Map<String, String> metadata) {

  /** What says most of a model; others are left out. */
  private static final List<String> SETTINGS =
      List.of(
          "model_type",
          "architectures",
          "dtype",
          "torch_dtype",
          "vocab_size",
          "hidden_size",
          "intermediate_size",
          "num_hidden_layers",
          "num_attention_heads",
          "num_key_value_heads",
          "head_dim",
          "max_position_embeddings",
          "hidden_act",
          "layer_norm_eps",
          "rms_norm_eps",
          "rope_theta",
          "rope_parameters",
          "rope_scaling",
          "tie_word_embeddings",
          "quantization_config");

  /** Tensors of one type together. */
  private record Total(String type, int tensors, long elements, long bytes) {
    Total plus(Total other) {
      return new Total(
          type, tensors + other.tensors, elements + other.elements, bytes + other.bytes);
    }
  }

  /**
   * @param path what the user asked for
   */
  static Inspection of(Checkpoint checkpoint, Path path) {
    return new Inspection(
        checkpoint.file(),
        Files.isDirectory(path) ? config(path.resolve("config.json")) : Map.of(),
        checkpoint.names().stream().map(checkpoint::info).toList(),
        new TreeMap<>(checkpoint.metadata()));
  }

  private static Map<String, JsonNode> config(Path file) {
    Map<String, JsonNode> found = new LinkedHashMap<>();
    if (!Files.exists(file)) {
      return found;
    }
    JsonNode json;
    try {
      json = Json.MAPPER.readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new CommandFailure(file + " is no JSON: " + e.getMessage(), null, e);
    }
    if (!json.isObject()) {
      throw new CommandFailure(file + " is no JSON object", null, null);
    }
    for (String key : SETTINGS) {
      if (json.hasNonNull(key)) {
        found.put(key, json.get(key));
      }
    }
    return found;
  }

  private List<Total> totals() {
    Map<String, Total> byType = new TreeMap<>();
    for (TensorInfo t : tensors) {
      byType.merge(
          t.type(), new Total(t.type(), 1, t.elements(), Math.max(0, t.bytes())), Total::plus);
    }
    return List.copyOf(byType.values());
  }

  private Total all() {
    return totals().stream().reduce(new Total("all", 0, 0, 0), Total::plus);
  }

  ObjectNode toJson() {
    ObjectNode json = Json.object().put("file", file);
    ObjectNode settings = json.putObject("config");
    config.forEach(settings::set);
    ArrayNode list = json.putArray("tensors");
    for (TensorInfo t : tensors) {
      ObjectNode tensor = list.addObject().put("name", t.name()).put("dtype", t.type());
      ArrayNode shape = tensor.putArray("shape");
      Arrays.stream(t.shape()).forEach(shape::add);
      if (t.bytes() < 0) {
        tensor.putNull("bytes");
      } else {
        tensor.put("bytes", t.bytes());
      }
    }
    Total all = all();
    ObjectNode total =
        json.putObject("total")
            .put("tensors", all.tensors())
            .put("parameters", all.elements())
            .put("bytes", all.bytes());
    ObjectNode byType = total.putObject("bytes_by_dtype");
    totals().forEach(t -> byType.put(t.type(), t.bytes()));
    ObjectNode meta = json.putObject("metadata");
    metadata.forEach(meta::put);
    return json;
  }

  void print(PrintStream out) {
    out.println(printable(file));
    if (!config.isEmpty()) {
      out.println();
      TextTable table = new TextTable("config", "");
      config.forEach((key, value) -> table.row(key, printable(text(value))));
      table.print(out);
    }
    if (!metadata.isEmpty()) {
      out.println();
      TextTable table = new TextTable("metadata", "");
      metadata.forEach((key, value) -> table.row(printable(key), printable(value)));
      table.print(out);
    }
    out.println();
    TextTable table = new TextTable("tensor", "dtype", "shape", ">bytes");
    for (TensorInfo t : tensors) {
      String bytes = t.bytes() < 0 ? "not supported" : number(t.bytes());
      table.row(printable(t.name()), t.type(), shape(t.shape()), bytes);
    }
    table.print(out);
    out.println();
    TextTable totals = new TextTable("total", ">tensors", ">parameters", ">bytes");
    totals().forEach(t -> row(totals, t));
    row(totals, all());
    totals.print(out);
  }

  private static void row(TextTable table, Total t) {
    table.row(t.type(), number(t.tensors()), number(t.elements()), number(t.bytes()));
  }

  private static String text(JsonNode value) {
    return value.isTextual() ? value.textValue() : value.toString();
  }

  private static String shape(long[] shape) {
    return shape.length == 0
        ? "scalar"
        : Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(" x "));
  }

  private static String number(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }

  /** Names come from strangers: no control character of theirs reaches the terminal. */
  private static String printable(String text) {
    StringBuilder clean = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              int type = Character.getType(c);
              if (type == Character.CONTROL
                  || type == Character.FORMAT
                  || type == Character.LINE_SEPARATOR
                  || type == Character.PARAGRAPH_SEPARATOR) {
                clean.append(String.format(Locale.ROOT, "\\u%04x", c));
              } else {
                clean.appendCodePoint(c);
              }
            });
    return clean.toString();
  }
}
