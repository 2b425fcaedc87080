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
 * RMS normalization with its gamma (Zhang and Sennrich, 2019), in one pass with the quantization of
 * its result if the layer that comes next takes codes. Thread-safe.
 */
public final class RmsNorm implements AutoCloseable {
  private final NormKernel kernel;
  private final String explanation;
  private final long bytes;

  private RmsNorm(NormKernel kernel, String explanation, long bytes) {
    this.kernel = kernel;
    this.explanation = explanation;
    this.bytes = bytes;
  }

  /**
   * @param gamma one factor a column
   * @param epsilon added to the mean square; finite, not negative
   * @param next the layer that takes the result; null if none does, or others do as well that want
   *     other codes
   */
  public static RmsNorm of(Sinter sinter, float[] gamma, float epsilon, Linear next) {
    QuantizeSpec codes = next == null ? null : next.inputCodes();
    NormSpec spec = new NormSpec(NormSpec.Kind.RMS, gamma.length, epsilon, codes);
    Planner.Choice choice = sinter.planner().choose(spec);
    NormKernel kernel = choice.backend().norm(spec, gamma, new float[gamma.length]);
    return new RmsNorm(kernel, choice.explain(kernel), 8L * gamma.length);
  }

  /**
   * Normalizes rows of x into the same rows of y.
   *
   * @param x f32 [rows, columns]
   * @param y likewise; may be x
   * @param out gets the codes of y, made by {@link Linear#codes} of the next layer; null or f32
   *     values if that takes none
   */
  public RowOperation.Step step(MemorySegment x, MemorySegment y, ActivationBuffer out) {
    ActivationBuffer codes = out == null || out.scheme() == ActivationScheme.FLOAT ? null : out;
    return (from, to) -> kernel.run(x, y, codes, from, to);
  }

  /** Bytes of gamma, and of the zeros that the kernel adds in place of a beta. */
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
