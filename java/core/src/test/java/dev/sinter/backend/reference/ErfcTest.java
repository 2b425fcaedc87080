package dev.sinter.backend.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import org.junit.jupiter.api.Test;

class ErfcTest {
  private static final MathContext DIGITS = new MathContext(120);
  private static final BigDecimal SQRT_PI =
      new BigDecimal("1.77245385090551602729816748334114518279754945612238712821380778985");

  /** The Taylor series of erf with 120 digits, which leave 60 after cancellation at x = 7. */
  private static BigDecimal exact(double x) {
    BigDecimal square = new BigDecimal(x).pow(2);
    BigDecimal power = new BigDecimal(x); // x^(2n+1) / n!
    BigDecimal sum = power;
    for (int n = 1; n < 400; n++) {
      power = power.multiply(square, DIGITS).negate().divide(BigDecimal.valueOf(n), DIGITS);
      sum = sum.add(power.divide(BigDecimal.valueOf(2L * n + 1), DIGITS), DIGITS);
    }
    BigDecimal erf = sum.multiply(BigDecimal.TWO).divide(SQRT_PI, DIGITS);
    return BigDecimal.ONE.subtract(erf);
  }

  @Test
  void agreesWithATaylorSeriesOfManyDigits() {
    for (int i = -280; i <= 280; i++) {
      double x = i / 40.0 + 1e-3;
      double expected = exact(x).doubleValue();
      double error = Math.abs(Erfc.erfc(x) - expected);
      assertTrue(error < 1e-14 * expected && error < 1e-15, x + ": error " + error);
    }
  }

  @Test
  void hasTheRightLimits() {
    assertEquals(1, Erfc.erfc(0));
    assertEquals(0, Erfc.erfc(Double.POSITIVE_INFINITY));
    assertEquals(2, Erfc.erfc(Double.NEGATIVE_INFINITY));
    assertTrue(Double.isNaN(Erfc.erfc(Double.NaN)));
  }
}
