package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Planner;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.WorkerPool;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.RowStack;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;

/**
 * {@code Y[M, N] = epilogue(X[M, K] W[N, K]^T)}: weights packed for the kernel that the planner
 * chose, together with the quantization of the activations if the scheme asks for it.
 *
 * <p>{@link #forward} may be called from many threads, and runs for one after another, first come
 * first served. The layer owns its packed weights, so the weights passed to {@link #of} may be
 * freed afterwards.
 */
public final class Linear implements AutoCloseable {
  // Rows of codes that forward keeps at most: longer inputs go in pieces.
  private static final int MAX_ROWS = 4096;
  private static final long ALIGNMENT = 64;

  private final WorkerPool pool;
  private final MatmulSpec spec;
  private final Forms forms;
  private final QuantizeSpec codes; // null for FLOAT activations, as is the quantizer
  private final QuantizeKernel quantizer;
  private final String explanation;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final Pass pass = new Pass();
  private boolean closed;

  private Linear(
      WorkerPool pool,
      Forms forms,
      QuantizeSpec codes,
      QuantizeKernel quantizer,
      String explanation) {
    this.pool = pool;
    this.spec = forms.spec();
    this.forms = forms;
    this.codes = codes;
    this.quantizer = quantizer;
    this.explanation = explanation;
  }

  /** A layer with the plain epilogue: the bias if there is one, nothing else. */
  public static Linear of(
      Sinter sinter, CompressedTensor weights, float[] bias, ActivationScheme activations) {
    return of(sinter, weights, bias, activations, bias == null ? Epilogue.NONE : Epilogue.BIAS);
  }

  /** The same with the bias off-heap: N f32 values. */
  public static Linear of(
      Sinter sinter, CompressedTensor weights, MemorySegment bias, ActivationScheme activations) {
    float[] values = bias == null ? null : new float[Math.toIntExact(bias.byteSize() / 4)];
    for (int i = 0; values != null && i < values.length; i++) {
      values[i] = DType.F32.readFloat(bias, i);
    }
    return of(sinter, weights, values, activations);
  }

  /**
   * {@code Y = activation(X gate^T + gateBias) * (X up^T + upBias)} in one pass over both weights:
   * SwiGLU and its kin, see {@link Epilogue}.
   *
   * @param gate the matrix before the activation, {@code W1} or {@code gate_proj} in checkpoints
   * @param up the other, {@code W3} or {@code up_proj}: of the same size and format
   * @param gateBias N values, or null for zeros
   * @param upBias likewise
   * @throws IllegalArgumentException if the matrices differ in size, type or column order, or a
   *     bias disagrees with its matrix
   * @throws IllegalStateException if no backend supports the layer, with every reason
   */
  public static Linear gated(
      Sinter sinter,
      CompressedTensor gate,
      CompressedTensor up,
      float[] gateBias,
      float[] upBias,
      Activation activation,
      ActivationScheme activations) {
    int n = gate.rows();
    if (up.rows() != n) {
      throw new IllegalArgumentException(
          up.name() + " has " + up.rows() + " rows, " + gate.name() + " has " + n);
    }
    checkBias(gate, gateBias);
    checkBias(up, upBias);
    float[] bias = gateBias == null && upBias == null ? null : new float[2 * n];
    if (gateBias != null) {
      System.arraycopy(gateBias, 0, bias, 0, n);
    }
    if (upBias != null) {
      System.arraycopy(upBias, 0, bias, n, n);
    }
    try (Arena arena = Arena.ofShared()) {
      CompressedTensor both =
          RowStack.of(gate.name() + " over " + up.name(), List.of(gate, up), arena);
      return of(sinter, both, bias, activations, Epilogue.gate(bias != null, activation));
    }
  }

  private static void checkBias(CompressedTensor weights, float[] bias) {
    if (bias != null && bias.length != weights.rows()) {
      throw new IllegalArgumentException(
          weights.name()
              + ": bias has "
              + bias.length
              + " values, the weights have "
              + weights.rows()
              + " rows");
    }
  }

  /**
   * @param weights [N, K]; with a gate W1 on top of W3, [2 N, K]; if {@link
   *     dev.sinter.tensor.Sparse}, the planner decides whether they run so or as dense ones, or are
   *     held in both forms, each for other numbers of rows; {@link #explain} tells. A row's result
   *     is the same bit for bit in either: both are then kernels of one backend that add in the
   *     same order
   * @param bias a value for each row of the weights; null exactly if the epilogue has no bias
   * @throws IllegalArgumentException if the bias disagrees with the weights or the epilogue
   * @throws IllegalStateException if no backend supports the layer, with every reason
   */
  public static Linear of(
      Sinter sinter,
      CompressedTensor weights,
      float[] bias,
      ActivationScheme activations,
      Epilogue epilogue) {
    if (epilogue.bias() != (bias != null)) {
      throw new IllegalArgumentException(
          weights.name()
              + ": the epilogue "
              + (epilogue.bias() ? "has a" : "has no")
              + " bias, but the bias is "
              + (bias == null ? "null" : "given"));
    }
    checkBias(weights, bias);
    MatmulSpec spec = MatmulSpec.of(weights, activations, epilogue);
    return of(sinter, Forms.of(sinter, spec, weights, bias));
  }

  /**
   * A layer over weights that {@link #packed} gave out before, maybe in another process.
   *
   * @param spec what was asked for then
   * @param weights not copied: they must stay alive until the layer is closed. The backend that the
   *     planner chooses for the spec must take them, see {@link dev.sinter.backend.Backend#takes}
   * @param bias a value for each row of the weights; null exactly if the epilogue has no bias
   * @throws IllegalArgumentException if weights or bias disagree with the spec
   */
  public static Linear of(Sinter sinter, MatmulSpec spec, PackedWeights weights, float[] bias) {
    return of(sinter, Forms.of(sinter, spec, weights, bias));
  }

  private static Linear of(Sinter sinter, Forms forms) {
    MatmulKernel kernel = forms.any();
    MatmulSpec spec = forms.spec();
    String text = forms.explain();
    QuantizeSpec codes = null;
    QuantizeKernel quantizer = null;
    if (spec.activations() != ActivationScheme.FLOAT) {
      codes =
          new QuantizeSpec(
              spec.k(),
              spec.activations(),
              kernel.signedCodes(),
              kernel.sumStep(),
              spec.columnOrder());
      Planner.Choice quantizeChoice = sinter.planner().choose(codes);
      quantizer = quantizeChoice.backend().quantize(codes);
      text += "\n" + quantizeChoice.explain(quantizer);
    }
    return new Linear(sinter.pool(), forms, codes, quantizer, text);
  }

  /**
   * The weights as they are packed, to be kept for another {@link #of(Sinter, MatmulSpec,
   * PackedWeights, float[])}; valid until the layer is closed. Null if the layer holds them in a
   * form that cannot be taken back: that is so for sparse ones, and on all backends but cpu.
   */
  public PackedWeights packed() {
    return forms.packed();
  }

  /**
   * What runs: for sparse weights that the planner keeps as dense ones, the spec of those; if it
   * keeps both, that of the form for few rows.
   */
  public MatmulSpec spec() {
    return spec;
  }

  /** Whether zeros of the weights are skipped, for some numbers of rows at least. */
  public boolean isSparse() {
    return forms.isSparse();
  }

  /** Bytes of packed weights, scales and bias; of both packings where there are two. */
  public long bytes() {
    return forms.bytes();
  }

  /** Which kernels run, and why no others. */
  public String explain() {
    return explanation;
  }

  /**
   * Computes {@code y} for {@code m} rows; blocks until it is done. The first call with more rows
   * than any before makes room for their codes; otherwise a call allocates nothing. Both segments
   * must stay alive until it returns.
   *
   * @param x f32 [m, K], off-heap, contiguous, 64-byte aligned
   * @param m at least 1
   * @param y f32 [m, N], off-heap, contiguous, 64-byte aligned, not overlapping x; holds the
   *     residual before if the epilogue has one
   * @throws IllegalArgumentException if a segment does not fit
   * @throws IllegalStateException after close
   */
  public void forward(MemorySegment x, int m, MemorySegment y) {
    if (m < 1) {
      throw new IllegalArgumentException("m must be at least 1, got " + m);
    }
    check("x", x, m, spec.k());
    check("y", y, m, spec.n());
    turn.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the layer is closed");
      }
      if (quantizer == null || m <= MAX_ROWS) {
        pass.run(x, m, y);
      } else {
        for (int from = 0; from < m; from += MAX_ROWS) {
          MemorySegment output = y.asSlice(4L * from * spec.n());
          pass.run(x.asSlice(4L * from * spec.k()), Math.min(MAX_ROWS, m - from), output);
        }
      }
    } finally {
      turn.unlock();
    }
  }

  /** One call of forward; kept, so that a call allocates nothing. */
  private final class Pass implements WorkerPool.Region {
    private final WorkerPool.Tile multiply = new Multiply();
    private RowOperation quantize; // null for FLOAT
    private Arena scratch; // of the codes
    private ActivationBuffer input;
    private MemorySegment x;
    private MemorySegment y;
    private int rows;

    void run(MemorySegment x, int rows, MemorySegment y) {
      this.x = x;
      this.y = y;
      this.rows = rows;
      prepareInput();
      try {
        pool.run(this);
      } finally {
        this.x = null;
        this.y = null;
      }
    }

    private void prepareInput() {
      if (quantizer == null) {
        if (input == null) {
          input = ActivationBuffer.floats(x, rows, spec.k());
        }
        input.point(x, rows);
      } else if (input == null || input.rows() < rows) {
        int room = Math.min(MAX_ROWS, Integer.highestOneBit(rows) * 2); // grows a few times
        close();
        scratch = Arena.ofShared();
        input = codes(scratch, room);
        quantize =
            new RowOperation(
                "quantize", () -> this.rows, (from, to) -> quantizer.run(this.x, input, from, to));
      }
    }

    private final class Multiply implements WorkerPool.Tile {
      @Override
      public void run(int worker, int tile) {
        forms.kernel(rows).run(worker, tile, rows, input, y);
      }

      @Override
      public void run(int worker, int from, int to) {
        forms.kernel(rows).run(worker, from, to, rows, input, y);
      }
    }

    @Override
    public void work(WorkerPool.Worker worker) {
      if (quantize != null) {
        worker.forEachTile(quantize.tiles(), quantize);
      }
      worker.forEachTile(forms.kernel(rows).tiles(rows), multiply);
    }

    void close() {
      if (scratch != null) {
        scratch.close();
      }
    }
  }

  /** What this layer makes of its f32 input before it multiplies; null if nothing. */
  public QuantizeSpec inputCodes() {
    return codes;
  }

  /** Room for the codes of this layer's input. */
  public ActivationBuffer codes(SegmentAllocator allocator, int rows) {
    return ActivationBuffer.allocate(allocator, codes, rows, forms.any().codeColumns());
  }

  /** Bytes that {@link #codes} takes; 0 for activations that are not quantized. */
  public long codesBytes(int rows) {
    return codes == null ? 0 : ActivationBuffer.bytes(codes, rows, forms.any().codeColumns());
  }

  /** Quantizes rows of x as this layer wants its input. */
  public RowOperation.Step quantize(MemorySegment x, ActivationBuffer out) {
    return (from, to) -> quantizer.run(x, out, from, to);
  }

  /** The multiplication bound to its buffers, for a plan. */
  public ForwardPlan.Operation operation(
      String name, ActivationBuffer x, MemorySegment y, IntSupplier rows) {
    return new ForwardPlan.Operation() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public int tiles() {
        int m = rows.getAsInt();
        return forms.kernel(m).tiles(m);
      }

      @Override
      public void run(int worker, int tile) {
        int m = rows.getAsInt();
        forms.kernel(m).run(worker, tile, m, x, y);
      }

      @Override
      public void run(int worker, int from, int to) {
        int m = rows.getAsInt();
        forms.kernel(m).run(worker, from, to, m, x, y);
      }
    };
  }

  private static void check(String name, MemorySegment s, int rows, int columns) {
    if (!s.isNative()) {
      throw new IllegalArgumentException(name + " must be off-heap");
    }
    if (!s.scope().isAlive()) {
      throw new IllegalArgumentException(name + " is closed");
    }
    if (s.byteSize() < 4L * rows * columns) {
      throw new IllegalArgumentException(
          name
              + " has "
              + s.byteSize()
              + " bytes, f32 ["
              + rows
              + ", "
              + columns
              + "] needs "
              + 4L * rows * columns);
    }
    if (s.address() % ALIGNMENT != 0) {
      throw new IllegalArgumentException(name + " must be aligned to " + ALIGNMENT + " bytes");
    }
  }

  /** Waits for a running forward, then frees the packed weights. Idempotent. */
  @Override
  public void close() {
    turn.lock();
    try {
      if (!closed) {
        closed = true;
        forms.close();
        if (quantizer != null) {
          quantizer.close();
        }
        pass.close();
      }
    } finally {
      turn.unlock();
    }
  }
}
