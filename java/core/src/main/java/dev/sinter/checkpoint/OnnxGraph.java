package dev.sinter.checkpoint;

import static dev.sinter.checkpoint.OnnxFormat.ATTRIBUTE_FLOAT;
import static dev.sinter.checkpoint.OnnxFormat.ATTRIBUTE_GRAPH;
import static dev.sinter.checkpoint.OnnxFormat.ATTRIBUTE_GRAPHS;
import static dev.sinter.checkpoint.OnnxFormat.ATTRIBUTE_INT;
import static dev.sinter.checkpoint.OnnxFormat.ATTRIBUTE_NAME;
import static dev.sinter.checkpoint.OnnxFormat.ENTRY_KEY;
import static dev.sinter.checkpoint.OnnxFormat.ENTRY_VALUE;
import static dev.sinter.checkpoint.OnnxFormat.GRAPH_INITIALIZER;
import static dev.sinter.checkpoint.OnnxFormat.GRAPH_NODE;
import static dev.sinter.checkpoint.OnnxFormat.GRAPH_OUTPUT;
import static dev.sinter.checkpoint.OnnxFormat.MODEL_GRAPH;
import static dev.sinter.checkpoint.OnnxFormat.MODEL_METADATA;
import static dev.sinter.checkpoint.OnnxFormat.MODEL_PRODUCER_NAME;
import static dev.sinter.checkpoint.OnnxFormat.MODEL_PRODUCER_VERSION;
import static dev.sinter.checkpoint.OnnxFormat.NODE_ATTRIBUTE;
import static dev.sinter.checkpoint.OnnxFormat.NODE_INPUT;
import static dev.sinter.checkpoint.OnnxFormat.NODE_NAME;
import static dev.sinter.checkpoint.OnnxFormat.NODE_OP_TYPE;
import static dev.sinter.checkpoint.OnnxFormat.VALUE_INFO_NAME;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The initializers of a model and who uses each of them. */
final class OnnxGraph {
  /**
   * The place where a value is consumed.
   *
   * @param index which input of the node; -1 for a graph's output
   */
  record Use(Node node, int index) {}

  /** What is read of a node. Attributes are those of Gemm, at their defaults if absent. */
  static final class Node {
    String name = "";
    String operator = "";
    boolean transposesB;
    float alpha = 1;
    private final List<String> inputs = new ArrayList<>();
  }

  /** Stands for every value with more than one use. */
  private static final Use SHARED = new Use(new Node(), -1);

  private final ProtoReader in;
  private final Arena arena;
  private final List<OnnxTensor> initializers = new ArrayList<>();
  private final Map<String, Use> uses = new HashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private OnnxGraph(ProtoReader in, Arena arena) {
    this.in = in;
    this.arena = arena;
  }

  /** Reads a ModelProto to its end. */
  static OnnxGraph read(ProtoReader in, Arena arena) {
    OnnxGraph graph = new OnnxGraph(in, arena);
    int[] graphs = new int[1];
    in.fields(
        (number, wireType) -> {
          switch (number) {
            case MODEL_PRODUCER_NAME -> graph.metadata.put("producer", in.string(wireType));
            case MODEL_PRODUCER_VERSION ->
                graph.metadata.put("producer_version", in.string(wireType));
            case MODEL_METADATA -> graph.metadataEntry(wireType);
            case MODEL_GRAPH -> {
              if (graphs[0]++ > 0) {
                throw in.fail(null, "more than one graph");
              }
              in.message(wireType, (n, w) -> graph.graphField(n, w, true));
            }
            default -> {
              return false;
            }
          }
          return true;
        });
    if (graphs[0] == 0) {
      throw in.fail(null, "not an ONNX model: it has no graph");
    }
    return graph;
  }

  /** In file order. */
  List<OnnxTensor> initializers() {
    return initializers;
  }

  /** Who made the model, and what else it says of itself. */
  Map<String, String> metadata() {
    return metadata;
  }

  /** The only use of a value, or null if it has none or several. */
  Use onlyUse(String value) {
    Use use = uses.get(value);
    return use == SHARED ? null : use;
  }

  private void metadataEntry(int wireType) {
    String[] entry = {"", ""};
    in.message(
        wireType,
        (number, w) -> {
          if (number != ENTRY_KEY && number != ENTRY_VALUE) {
            return false;
          }
          entry[number - ENTRY_KEY] = in.string(w);
          return true;
        });
    metadata.put(entry[0], entry[1]);
  }

  private boolean graphField(int number, int wireType, boolean outermost) {
    switch (number) {
      case GRAPH_NODE -> node(wireType);
      case GRAPH_OUTPUT -> in.message(wireType, this::outputField);
      case GRAPH_INITIALIZER -> {
        if (!outermost) {
          return false;
        }
        initializers.add(OnnxTensor.read(in, wireType, arena));
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean outputField(int number, int wireType) {
    if (number != VALUE_INFO_NAME) {
      return false;
    }
    use(in.string(wireType), new Use(SHARED.node(), -1));
    return true;
  }

  private void node(int wireType) {
    Node node = new Node();
    in.message(
        wireType,
        (number, w) -> {
          switch (number) {
            case NODE_INPUT -> node.inputs.add(in.string(w));
            case NODE_NAME -> node.name = in.string(w);
            case NODE_OP_TYPE -> node.operator = in.string(w);
            case NODE_ATTRIBUTE -> attribute(w, node);
            default -> {
              return false;
            }
          }
          return true;
        });
    for (int i = 0; i < node.inputs.size(); i++) {
      use(node.inputs.get(i), new Use(node, i));
    }
  }

  private void attribute(int wireType, Node node) {
    String[] name = {""};
    long[] integer = {0};
    float[] real = {0};
    in.message(
        wireType,
        (number, w) -> {
          switch (number) {
            case ATTRIBUTE_NAME -> name[0] = in.string(w);
            case ATTRIBUTE_INT -> integer[0] = in.varint(w);
            case ATTRIBUTE_FLOAT -> real[0] = in.float32(w);
            // A branch or loop body may use the outer graph's initializers.
            case ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS ->
                in.message(w, (n, inner) -> graphField(n, inner, false));
            default -> {
              return false;
            }
          }
          return true;
        });
    switch (name[0]) {
      case "transB" -> node.transposesB = integer[0] != 0;
      case "alpha" -> node.alpha = real[0];
      default -> {}
    }
  }

  private void use(String value, Use use) {
    uses.merge(value, use, (first, second) -> SHARED);
  }
}
