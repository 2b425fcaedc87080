package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Planner;
import java.lang.foreign.MemorySegment;

/** Softmax attention within each sequence of a packed batch. */
public final class Attention implements AutoCloseable {
  private final AttentionSpec spec;
  private final AttentionKernel kernel;
  private final String explanation;

  private Attention(AttentionSpec spec, AttentionKernel kernel, String explanation) {
    this.spec = spec;
    this.kernel = kernel;
    this.explanation = explanation;
  }

  public static Attention of(Sinter sinter, AttentionSpec spec) {
    Planner.Choice choice = sinter.planner().choose(spec);
    AttentionKernel kernel = choice.backend().attention(spec);
    return new Attention(spec, kernel, choice.explain(kernel));
  }

  /**
   * The operation bound to its buffers.
   *
   * @param qkv f32 [rows, 3 * heads * headDim]: queries, keys and values side by side
   * @param out f32 [rows, heads * headDim]
   */
  public ForwardPlan.Operation operation(
      String name, MemorySegment qkv, MemorySegment out, SequenceBatch batch) {
    int width = spec.heads() * spec.headDim();
    MemorySegment keys = qkv.asSlice(4L * width);
    MemorySegment values = qkv.asSlice(8L * width);
    return new ForwardPlan.Operation() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public int tiles() {
        return batch.count() * spec.heads();
      }

      @Override
      public void run(int worker, int tile) {
        int sequence = tile / spec.heads();
        kernel.run(
            worker,
            qkv,
            keys,
            values,
            3 * width,
            out,
            batch.start(sequence),
            batch.length(sequence),
            tile % spec.heads());
      }
    };
  }

  public String explain() {
    return explanation;
  }

  @Override
  public void close() {
    kernel.close();
  }
}
