package dev.sinter.backend.onednn;

import static dev.sinter.backend.onednn.OneDnn.check;
import static dev.sinter.bindings.onednn.dnnl_h.*;

import dev.sinter.bindings.onednn.dnnl_exec_arg_t;
import java.lang.foreign.MemorySegment;

/**
 * {@code Y^T = W X^T} for one shape, W being CSR: the only sparse matmul that oneDNN compiles, its
 * sparse operand being the first and the others row-major without gaps. Used by one worker only, as
 * {@link MatmulPrimitive}; an execution only exchanges pointers.
 */
final class CsrPrimitive implements AutoCloseable {
  private final Handles handles;
  private final MemorySegment descriptor;
  private MemorySegment primitive; // null if it was only to be described, as what follows
  private MemorySegment arguments;
  private MemorySegment weights;
  private MemorySegment inputs;
  private MemorySegment results;

  private CsrPrimitive(Handles handles, int n, int k, long nonZeros, int m) {
    this.handles = handles;
    descriptor =
        handles.matmul(
            handles.csr(n, k, nonZeros),
            handles.strided(dnnl_f32(), k, m, m),
            MemorySegment.NULL,
            handles.strided(dnnl_f32(), n, m, m),
            MemorySegment.NULL);
  }

  /**
   * Which implementation oneDNN would take.
   *
   * @throws dev.sinter.runtime.NativeException if it has none
   */
  static String describe(OneDnn dnn, int n, int k, int m) {
    try (Handles handles = new Handles(dnn)) {
      return new CsrPrimitive(handles, n, k, 1, m).implementation();
    }
  }

  /**
   * The calling thread must be the one that will execute it.
   *
   * @param n rows of W
   * @param nonZeros values and indices that there are, at least as many as the row pointers reach
   * @param m columns of X^T
   */
  static CsrPrimitive create(OneDnn dnn, int n, int k, long nonZeros, int m) {
    Handles handles = new Handles(dnn);
    try {
      CsrPrimitive p = new CsrPrimitive(handles, n, k, nonZeros, m);
      p.primitive = handles.primitive(p.descriptor);
      p.weights = handles.csrMemory(handles.csr(n, k, nonZeros));
      p.inputs = handles.memory(handles.strided(dnnl_f32(), k, m, m), MemorySegment.NULL);
      p.results = handles.memory(handles.strided(dnnl_f32(), n, m, m), MemorySegment.NULL);
      p.arguments = handles.arena().allocate(dnnl_exec_arg_t.layout(), 3);
      p.argument(0, DNNL_ARG_SRC(), p.weights);
      p.argument(1, DNNL_ARG_WEIGHTS(), p.inputs);
      p.argument(2, DNNL_ARG_DST(), p.results);
      return p;
    } catch (RuntimeException | Error e) {
      handles.close();
      throw e;
    }
  }

  private void argument(int at, int index, MemorySegment memory) {
    MemorySegment entry =
        arguments.asSlice(at * dnnl_exec_arg_t.sizeof(), dnnl_exec_arg_t.layout());
    dnnl_exec_arg_t.arg(entry, index);
    dnnl_exec_arg_t.memory(entry, memory);
  }

  String implementation() {
    return handles.implementation(descriptor);
  }

  /**
   * Rows of W.
   *
   * @param values f32, and as many int32 {@code indices}
   * @param pointers int32, one more than there are rows
   */
  record Rows(MemorySegment values, MemorySegment indices, MemorySegment pointers) {}

  /** Runs on the calling thread. */
  void execute(MemorySegment stream, Rows w, MemorySegment x, MemorySegment y) {
    point(weights, w.values(), 0);
    point(weights, w.indices(), 1);
    point(weights, w.pointers(), 2);
    point(inputs, x, 0);
    point(results, y, 0);
    check("dnnl_primitive_execute", dnnl_primitive_execute(primitive, stream, 3, arguments));
  }

  private static void point(MemorySegment memory, MemorySegment data, int index) {
    check("dnnl_memory_set_data_handle_v2", dnnl_memory_set_data_handle_v2(memory, data, index));
  }

  @Override
  public void close() {
    handles.close();
  }
}
