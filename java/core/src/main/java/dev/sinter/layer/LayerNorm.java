package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.Planner;
import java.lang.foreign.MemorySegment;

/** Layer normalization with its gamma and beta. */
public final class LayerNorm implements AutoCloseable {
  private final NormKernel kernel;
  private final String explanation;
  private final long bytes;

  private LayerNorm(NormKernel kernel, String explanation, long bytes) {
    this.kernel = kernel;
    this.explanation = explanation;
    this.bytes = bytes;
  }

  /**
   * @param gamma one factor a column
   * @param beta one summand a column
   */
  public static LayerNorm of(Sinter sinter, float[] gamma, float[] beta, float epsilon) {
    if (gamma.length != beta.length) {
      throw new IllegalArgumentException(
          "gamma has " + gamma.length + " values, beta " + beta.length);
    }
    NormSpec spec = new NormSpec(gamma.length, epsilon);
    Planner.Choice choice = sinter.planner().choose(spec);
    NormKernel kernel = choice.backend().norm(spec, gamma, beta);
    return new LayerNorm(kernel, choice.explain(kernel), 8L * gamma.length);
  }

  /** Normalizes rows of x into the same rows of y. */
  public RowOperation.Step step(MemorySegment x, MemorySegment y) {
    return (from, to) -> kernel.run(x, y, from, to);
  }

  /** Bytes of gamma and beta. */
  public long bytes() {
    return bytes;
  }

  public String explain() {
    return explanation;
  }

  @Override
  public void close() {
    kernel.close();
  }
}
