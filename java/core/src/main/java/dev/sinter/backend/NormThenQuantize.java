package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/**
 * A normalization to codes made of two kernels, for backends without one that does both at once.
 * Thread-safe for distinct rows, as they are.
 */
public final class NormThenQuantize implements NormKernel {
  private final NormKernel norm;
  private final QuantizeKernel quantizer;

  /** Closes both in the end. */
  public NormThenQuantize(NormKernel norm, QuantizeKernel quantizer) {
    this.norm = norm;
    this.quantizer = quantizer;
  }

  @Override
  public String implementation() {
    return norm.implementation() + ", " + quantizer.implementation();
  }

  @Override
  public String isa() {
    return norm.isa();
  }

  @Override
  public void run(MemorySegment x, MemorySegment y, ActivationBuffer out, int from, int to) {
    norm.run(x, y, from, to);
    quantizer.run(y, out, from, to);
  }

  @Override
  public void close() {
    norm.close();
    quantizer.close();
  }
}
