package dev.sinter.checkpoint;

import dev.sinter.tensor.RawTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The weight of a linear layer that an exporter has made anonymous.
 *
 * @param name what it was called before
 * @param transposed whether the file holds [in, out]
 */
record OnnxLinear(String name, boolean transposed) {
  // The names that PyTorch's exporters give to values they make up.
  private static final Pattern ANONYMOUS = Pattern.compile("onnx::.*|\\d+");
  private static final Pattern NODE = Pattern.compile("/(.+)/(?:MatMul|Gemm)(?:_\\d+)?");
  private static final int BLOCK = 32;

  /**
   * Finds them, by the name of their initializer. A name that is taken, or that two weights lay
   * claim to, is given to none.
   *
   * @param taken names of all initializers
   */
  static Map<String, OnnxLinear> find(OnnxGraph graph, Set<String> taken) {
    Map<String, OnnxLinear> found = new HashMap<>();
    Map<String, Integer> claims = new HashMap<>();
    for (OnnxTensor t : graph.initializers()) {
      OnnxLinear linear = of(t, graph.onlyUse(t.name()));
      if (linear != null && !taken.contains(linear.name)) {
        found.put(t.name(), linear);
        claims.merge(linear.name, 1, Integer::sum);
      }
    }
    found.values().removeIf(linear -> claims.get(linear.name) > 1);
    return found;
  }

  private static OnnxLinear of(OnnxTensor t, OnnxGraph.Use use) {
    if (use == null
        || use.index() != 1
        || t.info().shape().length != 2
        || !ANONYMOUS.matcher(t.name()).matches()) {
      return null;
    }
    OnnxGraph.Node node = use.node();
    boolean matmul = node.operator.equals("MatMul");
    boolean gemm = node.operator.equals("Gemm") && node.alpha == 1;
    Matcher place = NODE.matcher(node.name);
    if (!(matmul || gemm) || !place.matches()) {
      return null;
    }
    String name = place.group(1).replace('/', '.') + ".weight";
    return new OnnxLinear(name, !(gemm && node.transposesB));
  }

  /** The transposed copy of a matrix, 64-byte aligned. */
  static MemorySegment transpose(RawTensor matrix, Arena arena) {
    MemorySegment from = matrix.data();
    MemorySegment to = arena.allocate(from.byteSize(), 64);
    long rows = matrix.dim(0);
    long columns = matrix.dim(1);
    int bytes = matrix.dtype().bytes();
    // In blocks, so that neither side misses the cache at every element.
    for (long r0 = 0; r0 < rows; r0 += BLOCK) {
      for (long c0 = 0; c0 < columns; c0 += BLOCK) {
        for (long r = r0; r < Math.min(rows, r0 + BLOCK); r++) {
          for (long c = c0; c < Math.min(columns, c0 + BLOCK); c++) {
            copy(bytes, from, r * columns + c, to, c * rows + r);
          }
        }
      }
    }
    return to;
  }

  private static void copy(int bytes, MemorySegment from, long i, MemorySegment to, long j) {
    switch (bytes) {
      case 1 -> to.set(ValueLayout.JAVA_BYTE, j, from.get(ValueLayout.JAVA_BYTE, i));
      case 2 ->
          to.setAtIndex(ValueLayout.JAVA_SHORT, j, from.getAtIndex(ValueLayout.JAVA_SHORT, i));
      case 4 -> to.setAtIndex(ValueLayout.JAVA_INT, j, from.getAtIndex(ValueLayout.JAVA_INT, i));
      default -> to.setAtIndex(ValueLayout.JAVA_LONG, j, from.getAtIndex(ValueLayout.JAVA_LONG, i));
    }
  }
}
