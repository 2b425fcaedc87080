package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.tensor.Dense;

/**
 * What the inputs of a BERT layer's linear layers are on average, from the weights alone, for
 * {@link dev.sinter.compress.BiasCorrection}. A row behind a layer norm counts as normal with mean
 * beta and deviation gamma in each column, the columns independent (Nagel et al., 2019, section
 * 4.2.1).
 */
final class InputMeans {
  private final Checkpoint checkpoint;

  InputMeans(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  float[] behindNorm(String norm) {
    return checkpoint.tensor(norm + ".bias").toFloats();
  }

  /** Also the mean behind attention, which averages values. */
  float[] behindLinear(String linear, String norm) {
    return behind(linear, norm, false);
  }

  float[] behindGelu(String linear, String norm) {
    return behind(linear, norm, true);
  }

  private float[] behind(String linear, String norm, boolean gelu) {
    Dense weights = Dense.of(checkpoint.tensor(linear + ".weight"));
    float[] beta = BertLayer.vector(checkpoint, norm + ".bias", weights.columns());
    float[] gamma = BertLayer.vector(checkpoint, norm + ".weight", weights.columns());
    float[] bias = BertLayer.vector(checkpoint, linear + ".bias", weights.rows());
    float[] row = new float[weights.columns()];
    float[] means = new float[weights.rows()];
    for (int n = 0; n < means.length; n++) {
      weights.decodeRow(n, row);
      double mean = bias[n];
      double variance = 0;
      for (int k = 0; k < row.length; k++) {
        mean += (double) row[k] * beta[k];
        variance += (double) row[k] * row[k] * gamma[k] * gamma[k];
      }
      means[n] = (float) (gelu ? meanOfGelu(mean, variance) : mean);
    }
    return means;
  }

  /**
   * The expectation of GELU(x) for normal x: with {@code t = mean / sqrt(1 + variance)}, {@code
   * mean * Phi(t) + variance / sqrt(1 + variance) * phi(t)} (integration by parts).
   */
  static double meanOfGelu(double mean, double variance) {
    double root = Math.sqrt(1 + variance);
    double t = mean / root;
    double density = Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI);
    return mean * distribution(t) + variance / root * density;
  }

  /** The normal distribution function, off by less than 1e-7 (Zelen and Severo, 1964, 26.2.17). */
  private static double distribution(double t) {
    double u = 1 / (1 + 0.2316419 * Math.abs(t));
    double tail =
        Math.exp(-t * t / 2)
            / Math.sqrt(2 * Math.PI)
            * u
            * (0.319381530
                + u * (-0.356563782 + u * (1.781477937 + u * (-1.821255978 + u * 1.330274429))));
    return t < 0 ? tail : 1 - tail;
  }
}
