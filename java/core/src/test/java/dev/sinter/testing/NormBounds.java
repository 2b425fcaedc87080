package dev.sinter.testing;

import dev.sinter.backend.NormSpec;

/** What f32 normalization may miss the exact result by. */
public final class NormBounds {
  private NormBounds() {}

  /**
   * First-order propagation of every rounding, with a hundredth added for the higher orders.
   *
   * <p>The mean is a sum of n terms and a division. An error m of it shifts all differences. The
   * squares and their sum add n + 2 roundings, the inverse root three, what follows four.
   */
  public static double[] of(float[] x, float[] gamma, float[] beta, NormSpec spec, String where) {
    int n = x.length;
    boolean centered = spec.kind() == NormSpec.Kind.LAYER;
    double mean = 0;
    double magnitude = 0;
    for (float v : x) {
      mean += centered ? v / (double) n : 0;
      magnitude += Math.abs(v) / (double) n;
    }
    double variance = 0;
    double deviation = 0;
    for (float v : x) {
      variance += (v - mean) * (v - mean) / n;
      deviation += Math.abs(v - mean) / n;
    }
    double meanError = centered ? Tolerance.gamma(n + 1) * magnitude : 0;
    double varianceError =
        Tolerance.gamma(n + 4) * variance + 2 * meanError * deviation + meanError * meanError;
    double relative = 0.5 * varianceError / (variance + spec.epsilon()) + Tolerance.gamma(4);
    double inverse = 1 / Math.sqrt(variance + spec.epsilon());
    double[] bounds = new double[n];
    for (int i = 0; i < n; i++) {
      double normal = Math.abs(x[i] - mean) * inverse;
      double y = normal * Math.abs(gamma[i]) + Math.abs(beta[i]);
      bounds[i] =
          1.01
              * (Math.abs(gamma[i]) * (meanError * inverse + normal * relative)
                  + Tolerance.gamma(4) * y);
      Tolerance.assertTelling(bounds[i], Math.abs(gamma[i]) + Math.abs(beta[i]), where);
    }
    return bounds;
  }
}
