package dev.sinter.testing;

import static org.junit.jupiter.api.Assertions.fail;

/**
 * Error bounds of f32 arithmetic against exact results, after Higham, Accuracy and Stability of
 * Numerical Algorithms (2nd ed.), chapter 3.
 */
public final class Tolerance {
  /** Unit roundoff of f32. */
  public static final double UNIT = 0x1p-24;

  private Tolerance() {}

  /** gamma(n) = n u / (1 - n u): the relative error of n roundings in a row. */
  public static double gamma(int roundings) {
    double nu = roundings * UNIT;
    return nu / (1 - nu);
  }

  /**
   * Bound on the error of an f32 dot product of {@code terms} products, in any order of summation,
   * with or without fused multiply-add.
   *
   * @param magnitude sum of the absolute values of the products
   */
  public static double dot(int terms, double magnitude) {
    return gamma(terms) * magnitude;
  }

  /** Half a unit in the last place of an f32 result: what rounding an exact value costs. */
  public static double rounding(double exact) {
    return Math.abs(exact) * UNIT + Float.MIN_VALUE / 2.0;
  }

  /** Fails unless both are NaN or {@code |actual - expected| <= bound}. */
  public static void assertWithin(float expected, float actual, double bound, Object where) {
    boolean ok =
        Float.isNaN(expected) ? Float.isNaN(actual) : Math.abs((double) actual - expected) <= bound;
    if (!ok) {
      fail(where + ": expected " + expected + " +- " + bound + ", got " + actual);
    }
  }

  /** Fails unless a bound is small enough to tell right from wrong: a tenth of the signal. */
  public static void assertTelling(double bound, double signal, Object where) {
    if (!(bound < signal / 10)) {
      fail(where + ": a bound of " + bound + " proves nothing for a signal of " + signal);
    }
  }
}
