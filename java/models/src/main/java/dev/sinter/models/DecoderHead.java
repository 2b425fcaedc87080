package dev.sinter.models;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.layer.ForwardPlan;
import dev.sinter.layer.Linear;
import dev.sinter.layer.RmsNorm;
import dev.sinter.layer.RowOperation;
import dev.sinter.runtime.LargeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The last norm and the matrix that makes logits, for the rows that are wanted. They are gathered
 * first: a prompt of hundreds of tokens wants the logits of one.
 */
final class DecoderHead implements AutoCloseable {
  /** Most memory for logits: some tens of rows of a large vocabulary. */
  private static final long LOGITS_BYTES = 16L << 20;

  private static final long ALIGNMENT = 64;

  private final RmsNorm norm;
  private final Linear linear;
  private final float softCap; // 0 for none
  private final int maxRows;
  private final int hidden;
  private final int vocabulary;
  private final MemorySegment last; // f32 [maxRows, hidden]
  private final ActivationBuffer input;
  private final MemorySegment logits; // f32 [maxRows, vocabulary]

  // The current pass.
  private int first;
  private int rows;

  /**
   * @param maxRows rows of a pass
   * @param arena holds the buffers; norm and linear are closed by this
   */
  DecoderHead(RmsNorm norm, Linear linear, float softCap, int maxRows, Arena arena) {
    this.norm = norm;
    this.linear = linear;
    this.softCap = softCap;
    hidden = linear.spec().k();
    vocabulary = linear.spec().n();
    this.maxRows = Math.clamp(LOGITS_BYTES / (4L * vocabulary), 1, maxRows);
    last = LargeMemory.allocate(arena, 4L * this.maxRows * hidden);
    logits = LargeMemory.allocate(arena, 4L * this.maxRows * vocabulary);
    input =
        linear.inputCodes() == null
            ? ActivationBuffer.floats(last, this.maxRows, hidden)
            : linear.codes((bytes, _) -> arena.allocate(bytes, ALIGNMENT), this.maxRows);
  }

  /** Most rows that one pass has logits of. */
  int maxRows() {
    return maxRows;
  }

  /**
   * Which rows the next pass wants.
   *
   * @param count 0 to {@link #maxRows}
   */
  void want(int first, int count) {
    this.first = first;
    rows = count;
  }

  /** Copies the logits of wanted row {@code index}. */
  void copyLogits(int index, float[] to) {
    MemorySegment.copy(logits, JAVA_FLOAT, 4L * index * vocabulary, to, 0, vocabulary);
  }

  /**
   * The operations behind the last layer.
   *
   * @param x the hidden states, f32 [rows of the pass, hidden]
   */
  List<ForwardPlan.Operation> operations(MemorySegment x) {
    RowOperation.Step gather =
        (from, to) -> {
          MemorySegment.copy(
              x,
              JAVA_FLOAT,
              4L * (first + from) * hidden,
              last,
              JAVA_FLOAT,
              4L * from * hidden,
              (long) (to - from) * hidden);
        };
    RowOperation normed =
        new RowOperation("last norm", () -> rows, gather, norm.step(last, last, input));
    ForwardPlan.Operation multiply = linear.operation("head", input, logits, () -> rows);
    ForwardPlan.Operation head = new Wanted(multiply);
    return softCap == 0
        ? List.of(normed, head)
        : List.of(normed, head, new RowOperation("soft cap", () -> rows, this::cap));
  }

  /** A matmul that has nothing to do where no row is wanted. */
  private final class Wanted implements ForwardPlan.Operation {
    private final ForwardPlan.Operation multiply;

    Wanted(ForwardPlan.Operation multiply) {
      this.multiply = multiply;
    }

    @Override
    public String name() {
      return multiply.name();
    }

    @Override
    public int tiles() {
      return rows == 0 ? 0 : multiply.tiles();
    }

    @Override
    public void run(int worker, int tile) {
      multiply.run(worker, tile);
    }

    @Override
    public void run(int worker, int from, int to) {
      multiply.run(worker, from, to);
    }
  }

  private void cap(int from, int to) {
    for (long i = (long) from * vocabulary; i < (long) to * vocabulary; i++) {
      double x = logits.getAtIndex(JAVA_FLOAT, i);
      logits.setAtIndex(JAVA_FLOAT, i, (float) (softCap * Math.tanh(x / softCap)));
    }
  }

  long bytes() {
    return linear.bytes() + norm.bytes();
  }

  @Override
  public void close() {
    norm.close();
    linear.close();
  }
}
