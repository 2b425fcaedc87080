package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
  @Test
  void knownCodes() {
    // amax 127 makes the scale 1, so the codes show the rounding alone.
    float[] w = {127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 126.5f, -0f};
    Quantized q = quantize(1, w, Granularity.CHANNEL);
    assertArrayEquals(new float[] {1}, q.scales());
    assertArrayEquals(new byte[] {127, -127, 0, 2, 2, 0, -2, 0, 126, 0}, codes(q));
  }

  @ParameterizedTest
  @EnumSource(Granularity.class)
  void equalsExactArithmeticRoundedOnceAStep(Granularity granularity) {
    long seed = Long.getLong("sinter.test.seed", System.nanoTime());
    Random random = new Random(seed);
    int rows = 7;
    int columns = 53;
    float[] w = new float[rows * columns];
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) random.nextGaussian() * (1 + i / columns);
    }
    Quantized q = quantize(rows, w, granularity);
    byte[] actual = codes(q);
    for (int r = 0; r < rows; r++) {
      int from = granularity == Granularity.CHANNEL ? r * columns : 0;
      int to = granularity == Granularity.CHANNEL ? from + columns : w.length;
      float amax = 0;
      for (int i = from; i < to; i++) {
        amax = Math.max(amax, Math.abs(w[i]));
      }
      float scale = divide(amax, 127);
      assertEquals(scale, q.scale(r), "scale of row " + r + ", seed " + seed);
      for (int k = 0; k < columns; k++) {
        int i = r * columns + k;
        int expected =
            new BigDecimal(divide(w[i], scale))
                .setScale(0, RoundingMode.HALF_EVEN)
                .max(BigDecimal.valueOf(-127))
                .min(BigDecimal.valueOf(127))
                .intValue();
        assertEquals(expected, actual[i], "row " + r + ", column " + k + ", seed " + seed);
      }
    }
  }

  /** The quotient from 40 digits: rounded to f32 once, as the hardware's division is. */
  private static float divide(float a, float b) {
    return new BigDecimal(a).divide(new BigDecimal(b), new MathContext(40)).floatValue();
  }

  @ParameterizedTest
  @EnumSource(Granularity.class)
  void everyWeightIsWithinHalfAStep(Granularity granularity) {
    long seed = Long.getLong("sinter.test.seed", System.nanoTime());
    float[] w = gaussian(64 * 96, new Random(seed));
    Quantized q = quantize(64, w, granularity);
    float[] row = new float[96];
    for (int r = 0; r < 64; r++) {
      q.decodeRow(r, row);
      for (int k = 0; k < 96; k++) {
        double error = Math.abs((double) w[r * 96 + k] - row[k]);
        // Half a step, and the rounding of the scale, the quotient and the product.
        double bound = q.scale(r) * (0.5 + 127 * 3 * 0x1p-24);
        String where = " at row " + r + ", column " + k + ", seed " + seed;
        assertTrue(error <= bound, error + " > " + bound + where);
      }
    }
  }

  @Test
  void allZerosHaveScaleAndCodesZero() {
    Quantized q = quantize(2, new float[] {0, -0f, 0, 3, 0, -6}, Granularity.CHANNEL);
    assertArrayEquals(new float[] {0, 6f / 127}, q.scales());
    assertArrayEquals(new byte[] {0, 0, 0, 64, 0, -127}, codes(q));
    Quantized zero = quantize(2, new float[6], Granularity.TENSOR);
    assertArrayEquals(new float[] {0}, zero.scales());
    assertArrayEquals(new byte[6], codes(zero));
  }

  @Test
  void extremesStayInRange() {
    float tiny = Float.MIN_VALUE;
    Quantized underflow = quantize(1, new float[] {tiny, -tiny}, Granularity.CHANNEL);
    assertArrayEquals(new float[] {0}, underflow.scales());
    assertArrayEquals(new byte[2], codes(underflow));
    // The scale rounds down to one unit of the subnormals, the quotient to 190: clamped.
    Quantized subnormal = quantize(1, new float[] {190 * tiny, -190 * tiny}, Granularity.CHANNEL);
    assertArrayEquals(new float[] {tiny}, subnormal.scales());
    assertArrayEquals(new byte[] {127, -127}, codes(subnormal));
    float max = Float.MAX_VALUE;
    Quantized huge = quantize(1, new float[] {max, -max, 0}, Granularity.CHANNEL);
    assertArrayEquals(new byte[] {127, -127, 0}, codes(huge));
  }

  @Test
  void oneScaleForTheMatrixIsItsLargestRow() {
    Quantized q = quantize(2, new float[] {1, 2, -254, 4}, Granularity.TENSOR);
    assertArrayEquals(new float[] {2}, q.scales());
    assertArrayEquals(new byte[] {0, 1, -127, 2}, codes(q));
  }

  @Test
  void halfPrecisionWeightsAreReadAsTheirValues() {
    MemorySegment data = Arena.ofAuto().allocate(4, 64);
    data.set(ValueLayout.JAVA_SHORT, 0, Float.floatToFloat16(127));
    data.set(ValueLayout.JAVA_SHORT, 2, Float.floatToFloat16(-3));
    Dense w = new Dense("w", 1, 2, DType.F16, data);
    Quantized q = Quantizer.roundToNearest(w, 8, Granularity.CHANNEL, Arena.ofAuto());
    assertArrayEquals(new byte[] {127, -3}, codes(q));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNotFiniteIsRefusedWithItsPlace(float bad) {
    for (Granularity granularity : Granularity.values()) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> quantize(2, new float[] {1, 2, 3, 4, 5, bad}, granularity));
      assertTrue(e.getMessage().startsWith("w: the weight at row 1, column 2 is " + bad));
    }
  }

  @Test
  void otherWidthsAreRefused() {
    Dense w = dense(1, new float[] {1});
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Quantizer.roundToNearest(w, 4, Granularity.CHANNEL, Arena.ofAuto()));
    assertEquals("w: bits must be 8, got 4", e.getMessage());
  }

  @Test
  void codesAreAligned() {
    assertEquals(0, quantize(3, new float[9], Granularity.CHANNEL).codes().address() % 64);
  }

  static float[] gaussian(int n, Random random) {
    float[] w = new float[n];
    for (int i = 0; i < n; i++) {
      w[i] = (float) random.nextGaussian();
    }
    return w;
  }

  static Dense dense(int rows, float[] w) {
    MemorySegment data = Arena.ofAuto().allocate(4L * w.length, 64);
    MemorySegment.copy(w, 0, data, ValueLayout.JAVA_FLOAT, 0, w.length);
    return new Dense("w", rows, w.length / rows, DType.F32, data);
  }

  private static Quantized quantize(int rows, float[] w, Granularity granularity) {
    return Quantizer.roundToNearest(dense(rows, w), 8, granularity, Arena.ofAuto());
  }

  private static byte[] codes(Quantized q) {
    return q.codes().toArray(ValueLayout.JAVA_BYTE);
  }
}
