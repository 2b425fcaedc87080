package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import java.lang.foreign.MemorySegment;

/** Normalization in float64. Thread-safe. */
final class NormReference implements NormKernel {
  private final NormSpec spec;
  private final float[] gamma;
  private final float[] beta;

  NormReference(NormSpec spec, float[] gamma, float[] beta) {
    spec.check(gamma, beta);
    this.spec = spec;
    this.gamma = gamma.clone();
    this.beta = beta.clone();
  }

  @Override
  public String implementation() {
    return "norm_reference";
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(MemorySegment x, MemorySegment y, ActivationBuffer out, int from, int to) {
    int width = spec.width();
    for (int row = from; row < to; row++) {
      long base = (long) row * width;
      double mean = 0;
      for (int i = 0; i < width && spec.kind() == NormSpec.Kind.LAYER; i++) {
        mean += x.getAtIndex(JAVA_FLOAT, base + i);
      }
      mean /= width;
      double variance = 0;
      for (int i = 0; i < width; i++) {
        double centered = x.getAtIndex(JAVA_FLOAT, base + i) - mean;
        variance += centered * centered;
      }
      variance /= width;
      double deviation = Math.sqrt(variance + spec.epsilon());
      for (int i = 0; i < width; i++) {
        double normal = (x.getAtIndex(JAVA_FLOAT, base + i) - mean) / deviation;
        y.setAtIndex(JAVA_FLOAT, base + i, (float) (normal * gamma[i] + beta[i]));
      }
    }
  }
}
