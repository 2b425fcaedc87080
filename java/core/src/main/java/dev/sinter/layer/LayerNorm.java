package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.Planner;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import java.lang.foreign.MemorySegment;

/**
 * Layer normalization with its gamma and beta, in one pass with the quantization of its result if
 * the layer that comes next takes codes.
 */
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
   * @param next the layer that takes the result; null if none does, or others do as well that want
   *     other codes
   */
  public static LayerNorm of(
      Sinter sinter, float[] gamma, float[] beta, float epsilon, Linear next) {
    if (gamma.length != beta.length) {
      throw new IllegalArgumentException(
          "gamma has " + gamma.length + " values, beta " + beta.length);
    }
    QuantizeSpec codes = next == null ? null : next.inputCodes();
    NormSpec spec = new NormSpec(NormSpec.Kind.LAYER, gamma.length, epsilon, codes);
    Planner.Choice choice = sinter.planner().choose(spec);
    NormKernel kernel = choice.backend().norm(spec, gamma, beta);
    return new LayerNorm(kernel, choice.explain(kernel), 8L * gamma.length);
  }

  /**
   * Normalizes rows of x into the same rows of y.
   *
   * @param y may be x
   * @param out gets the codes of y, made by {@link Linear#codes} of the next layer; null or f32
   *     values if that takes none
   */
  public RowOperation.Step step(MemorySegment x, MemorySegment y, ActivationBuffer out) {
    ActivationBuffer codes = out == null || out.scheme() == ActivationScheme.FLOAT ? null : out;
    return (from, to) -> kernel.run(x, y, codes, from, to);
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
