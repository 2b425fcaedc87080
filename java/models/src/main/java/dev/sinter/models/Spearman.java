package dev.sinter.models;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Spearman's rank correlation (1904), equal values sharing the mean of their ranks. */
public final class Spearman {
  private Spearman() {}

  /**
   * @return -1 to 1
   * @throws IllegalArgumentException if the lengths differ or are below 2, a value is NaN, or all
   *     values of one are equal, for which there is no correlation
   */
  public static double correlation(double[] a, double[] b) {
    if (a.length != b.length || a.length < 2) {
      throw new IllegalArgumentException(
          "lengths " + a.length + " and " + b.length + ", must be equal and at least 2");
    }
    double[] ra = ranks(a, "a");
    double[] rb = ranks(b, "b");
    double mean = (a.length + 1) / 2.0;
    double both = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < ra.length; i++) {
      double da = ra[i] - mean;
      double db = rb[i] - mean;
      both += da * db;
      squaresA += da * da;
      squaresB += db * db;
    }
    if (squaresA == 0 || squaresB == 0) {
      throw new IllegalArgumentException(
          "all values of " + (squaresA == 0 ? "a" : "b") + " are equal");
    }
    double r = both / Math.sqrt(squaresA * squaresB);
    return Math.clamp(r, -1.0, 1.0);
  }

  private static double[] ranks(double[] values, String name) {
    for (int i = 0; i < values.length; i++) {
      if (Double.isNaN(values[i])) {
        throw new IllegalArgumentException(name + "[" + i + "] is NaN");
      }
    }
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] ranks = new double[values.length];
    int from = 0;
    while (from < order.length) {
      int to = from + 1;
      // By ==, so that both zeros share a rank.
      while (to < order.length && values[order[to]] == values[order[from]]) {
        to++;
      }
      double shared = (from + 1 + to) / 2.0;
      for (int i : Arrays.copyOfRange(order, from, to)) {
        ranks[i] = shared;
      }
      from = to;
    }
    return ranks;
  }
}
