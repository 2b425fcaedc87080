package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class InputMeansTest {
  @Test
  void theMeanOfGeluIsThatOfNumericalIntegration() {
    for (double mean : new double[] {-3, -0.5, 0, 0.7, 2}) {
      for (double deviation : new double[] {0.1, 1, 2.5}) {
        double sum = 0;
        double step = 1e-2;
        for (double z = -9; z < 9; z += step) {
          double x = mean + deviation * z;
          sum += gelu(x) * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * step;
        }
        assertEquals(
            sum,
            InputMeans.meanOfGelu(mean, deviation * deviation),
            1e-5,
            "mean " + mean + " deviation " + deviation);
      }
    }
  }

  /** x Phi(x), the distribution function by its Taylor series around 0 (Marsaglia, 2004). */
  private static double gelu(double x) {
    if (Math.abs(x) > 8) {
      return Math.max(x, 0);
    }
    double sum = x;
    double term = x;
    for (int i = 3; Math.abs(term) > 1e-18; i += 2) {
      term *= x * x / i;
      sum += term;
    }
    return x * (0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI));
  }
}
