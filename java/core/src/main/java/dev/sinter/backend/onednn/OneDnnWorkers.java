package dev.sinter.backend.onednn;

import static dev.sinter.backend.onednn.OneDnn.check;
import static dev.sinter.bindings.onednn.dnnl_h.*;

import dev.sinter.bindings.onednn.dnnl_exec_arg_t;
import dev.sinter.runtime.NativeException;
import dev.sinter.runtime.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What each worker of the pool owns of oneDNN: a stream, its primitives, its scratchpad. Only the
 * worker with that index, inside a region, touches them.
 */
final class OneDnnWorkers implements AutoCloseable {
  private static final class Context {
    final Handles handles;
    final MemorySegment stream;
    final Map<MatmulShape, MatmulPrimitive> primitives = new HashMap<>();
    MemorySegment scratch = MemorySegment.NULL;

    Context(Handles handles) {
      this.handles = handles;
      stream = handles.stream();
    }
  }

  private final WorkerPool pool;
  private final OneDnn dnn;
  private final Arena arena = Arena.ofShared();
  private final Context[] contexts;

  OneDnnWorkers(WorkerPool pool, OneDnn dnn) {
    this.pool = pool;
    this.dnn = dnn;
    contexts = new Context[pool.threads()];
    pool.run(
        w -> {
          contexts[w.index()] = new Context(new Handles(dnn));
        });
  }

  WorkerPool pool() {
    return pool;
  }

  int count() {
    return contexts.length;
  }

  /**
   * The worker's primitive for a shape, created on first request. A shape always comes with the
   * same packed layout, or it would need another primitive.
   *
   * @throws NativeException if oneDNN would fall back to its reference code, which is thousands of
   *     times slower
   */
  MatmulPrimitive primitive(int worker, MatmulShape shape, MemorySegment layout) {
    Context context = contexts[worker];
    MatmulPrimitive known = context.primitives.get(shape);
    if (known != null) {
      return known;
    }
    dnn.useOneThread(); // worker 0 may be a thread that has not been here before
    MatmulPrimitive made = MatmulPrimitive.create(dnn, shape, layout);
    if (isReference(made.implementation())) {
      String name = made.implementation();
      made.close();
      throw new NativeException("dnnl_matmul", -1, shape + " would run on " + name);
    }
    context.primitives.put(shape, made);
    if (made.scratchBytes() > context.scratch.byteSize()) {
      // The smaller one stays until close: the pad grows a few times at load and never after.
      context.scratch = arena.allocate(made.scratchBytes(), 64);
    }
    return made;
  }

  /** A new primitive for the calling worker, whose owner closes it. */
  CsrPrimitive csrPrimitive(int n, int k, long nonZeros, int m) {
    dnn.useOneThread();
    return CsrPrimitive.create(dnn, n, k, nonZeros, m);
  }

  /** {@link CsrPrimitive#execute} with the worker's stream. */
  void execute(
      int worker, CsrPrimitive primitive, CsrPrimitive.Rows w, MemorySegment x, MemorySegment y) {
    if (worker == 0) {
      dnn.useOneThread(); // whoever calls the pool
    }
    primitive.execute(contexts[worker].stream, w, x, y);
  }

  /** How many primitives there are, of all workers. */
  int primitives() {
    return Arrays.stream(contexts).mapToInt(c -> c.primitives.size()).sum();
  }

  static boolean isReference(String implementation) {
    return implementation.contains("ref");
  }

  /** {@link MatmulPrimitive#execute} with the worker's stream and scratchpad. */
  void execute(
      int worker,
      MatmulPrimitive primitive,
      MatmulPrimitive.Operands operands,
      MemorySegment source,
      long sourceOffset,
      MemorySegment sourceScales,
      long scalesOffset,
      MemorySegment result,
      long resultOffset) {
    Context context = contexts[worker];
    if (worker == 0) {
      dnn.useOneThread(); // whoever calls the pool
    }
    primitive.execute(
        context.stream,
        context.scratch,
        operands,
        source,
        sourceOffset,
        sourceScales,
        scalesOffset,
        result,
        resultOffset);
  }

  /**
   * Packs rows of W, [n, k] row-major and of oneDNN's element type, into the layout of a primitive.
   */
  void reorder(
      int worker,
      MemorySegment rows,
      int type,
      int n,
      int k,
      MemorySegment layout,
      MemorySegment packed) {
    dnn.useOneThread();
    try (Handles handles = new Handles(dnn)) {
      MemorySegment plain = handles.tagged(type, dnnl_ba(), k, n);
      MemorySegment primitive = handles.primitive(handles.reorder(plain, layout));
      MemorySegment arguments = handles.arena().allocate(dnnl_exec_arg_t.layout(), 2);
      MemorySegment second = arguments.asSlice(dnnl_exec_arg_t.sizeof());
      dnnl_exec_arg_t.arg(arguments, DNNL_ARG_SRC());
      dnnl_exec_arg_t.memory(arguments, handles.memory(plain, rows));
      dnnl_exec_arg_t.arg(second, DNNL_ARG_DST());
      dnnl_exec_arg_t.memory(second, handles.memory(layout, packed));
      check(
          "dnnl_primitive_execute (reorder)",
          dnnl_primitive_execute(primitive, contexts[worker].stream, 2, arguments));
    }
  }

  @Override
  public void close() {
    for (Context context : contexts) {
      context.primitives.values().forEach(MatmulPrimitive::close);
      context.handles.close();
    }
    arena.close();
  }
}
