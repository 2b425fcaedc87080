package dev.sinter.compress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
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
import java.util.Arrays;
import java.util.List;
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
  @EnumSource(names = {"TENSOR", "CHANNEL"})
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
  @EnumSource(names = {"TENSOR", "CHANNEL"})
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
    for (CodeFormat format :
        List.of(
            CodeFormat.perChannel(8),
            new CodeFormat(4, Granularity.TENSOR, 0, false),
            CodeFormat.inGroups(4, 32),
            new CodeFormat(Code.TERNARY, Granularity.TENSOR, 0, false),
            CodeFormat.inGroups(Code.BINARY, 32))) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> quantize(2, new float[] {1, 2, 3, 4, 5, bad}, format));
      assertTrue(e.getMessage().startsWith("w: the weight at row 1, column 2 is " + bad));
    }
  }

  @Test
  void otherWidthsAreRefused() {
    Dense w = dense(1, new float[] {1});
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Quantizer.roundToNearest(w, 5, Granularity.CHANNEL, Arena.ofAuto()));
    assertEquals("bits must be 8 or 4, got 5", e.getMessage());
    CodeFormat zeroPoints = new CodeFormat(4, Granularity.CHANNEL, 0, true);
    assertThrows(
        IllegalArgumentException.class,
        () -> Quantizer.roundToNearest(w, zeroPoints, Arena.ofAuto()));
  }

  @Test
  void knownCodesInGroupsOfFourBits() {
    // Both groups have scale 1; the second is short, and its row ends in half a byte.
    float[] w = new float[35];
    w[0] = -7;
    w[1] = 2.5f;
    w[31] = 3.5f;
    w[32] = 7;
    w[34] = -1.5f;
    Quantized q = quantize(1, w, CodeFormat.inGroups(4, 32));
    assertArrayEquals(new float[] {1, 1}, q.scales());
    assertEquals(18, q.codes().byteSize());
    assertEquals(18 + 8, q.bytes());
    byte[] expected = new byte[35];
    expected[0] = -7;
    expected[1] = 2;
    expected[31] = 4;
    expected[32] = 7;
    expected[34] = -2;
    assertArrayEquals(expected, codes(q));
  }

  @Test
  void knownTernaryAndBinaryCodes() {
    // The mean magnitude of the first group is 1, that of the short second one 2.
    float[] w = new float[34];
    w[0] = -15;
    w[1] = 14.5f;
    w[2] = 0.5f; // half of the scale: to even
    w[3] = -0.75f;
    w[4] = Math.nextUp(0.5f);
    w[5] = 0.75f;
    w[32] = 0.5f;
    w[33] = -3.5f;
    w[31] = -0.0f;
    Quantized ternary = quantize(1, w, CodeFormat.inGroups(Code.TERNARY, 32));
    assertArrayEquals(new float[] {1, 2}, ternary.scales());
    byte[] expected = new byte[34];
    expected[0] = -1;
    expected[1] = 1;
    expected[3] = -1;
    expected[4] = 1;
    expected[5] = 1;
    expected[33] = -1;
    assertArrayEquals(expected, codes(ternary));
    assertEquals(9 + 8, ternary.bytes());
    Quantized binary = quantize(1, w, CodeFormat.inGroups(Code.BINARY, 32));
    assertArrayEquals(new float[] {1, 2}, binary.scales());
    Arrays.fill(expected, (byte) 1);
    expected[0] = expected[3] = expected[33] = -1;
    assertArrayEquals(expected, codes(binary));
    assertEquals(5 + 8, binary.bytes());
  }

  @Test
  void oneMeanForAMatrixOrARow() {
    float[] w = {1, -3, 0, 4};
    CodeFormat matrix = new CodeFormat(Code.TERNARY, Granularity.TENSOR, 0, false);
    assertArrayEquals(new float[] {2}, quantize(2, w, matrix).scales());
    assertArrayEquals(new byte[] {0, -1, 0, 1}, codes(quantize(2, w, matrix)));
    CodeFormat rows = new CodeFormat(Code.BINARY, Granularity.CHANNEL, 0, false);
    assertArrayEquals(new float[] {2, 2}, quantize(2, w, rows).scales());
    CodeFormat zeros = new CodeFormat(Code.TERNARY, Granularity.CHANNEL, 0, false);
    assertArrayEquals(new byte[3], codes(quantize(1, new float[3], zeros)));
  }

  /**
   * Of normal weights and with m = sqrt(2 / pi), the noise of binary codes is 1 - m^2, and that of
   * ternary ones 1 - 4 m phi(m / 2) + m^2 P(|x| > m / 2): 4.40 and 5.79 dB below the signal.
   */
  @Test
  void noiseOfNormalWeightsIsWhatTheirDistributionSays() {
    long seed = Long.getLong("sinter.test.seed", System.nanoTime());
    Dense w = dense(64, gaussian(64 * 1024, new Random(seed)));
    for (Code code : List.of(Code.TERNARY, Code.BINARY)) {
      CodeFormat format = new CodeFormat(code, Granularity.CHANNEL, 0, false);
      Quantized q = Quantizer.quantize(w, format, Arena.ofAuto());
      double expected = code == Code.TERNARY ? 5.79 : 4.40;
      assertEquals(expected, ErrorReport.of(w, q).sqnrDb(), 0.1, code + ", seed " + seed);
    }
  }

  @Test
  void eachMethodIsForItsCodes() {
    Dense w = dense(1, new float[] {1});
    Arena arena = Arena.ofAuto();
    assertThrows(
        IllegalArgumentException.class,
        () -> Quantizer.roundToNearest(w, CodeFormat.inGroups(Code.TERNARY, 32), arena));
    assertThrows(
        IllegalArgumentException.class,
        () -> Quantizer.meanMagnitude(w, CodeFormat.perChannel(4), arena));
  }

  @Test
  void aGroupOfZerosHasScaleZeroBesideOthers() {
    float[] w = new float[70];
    w[40] = 3;
    w[69] = Float.MIN_VALUE;
    Quantized q = quantize(1, w, CodeFormat.inGroups(4, 32));
    assertArrayEquals(
        new float[] {0, Float.float16ToFloat(Float.floatToFloat16(3f / 7)), 0}, q.scales());
    byte[] expected = new byte[70];
    expected[40] = 7;
    assertArrayEquals(expected, codes(q));
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64, 96})
  void everyWeightOfAGroupIsWithinHalfAStepOfFourBits(int group) {
    long seed = Long.getLong("sinter.test.seed", System.nanoTime());
    int columns = 100;
    float[] w = gaussian(64 * columns, new Random(seed));
    Quantized q = quantize(64, w, CodeFormat.inGroups(4, group));
    float[] row = new float[columns];
    for (int r = 0; r < 64; r++) {
      q.decodeRow(r, row);
      for (int k = 0; k < columns; k++) {
        double error = Math.abs((double) w[r * columns + k] - row[k]);
        double bound = q.scale(r, k / group) * (0.5 + 7 * 0x1p-11); // of f16
        String where = " at row " + r + ", column " + k + ", seed " + seed;
        assertTrue(error <= bound, error + " > " + bound + where);
      }
    }
  }

  @Test
  void scalesOfGroupsAreOfF16WhereThatChangesThemLittle() {
    float[] w = new float[6 * 32];
    // Of the last two, what f16 has there, a multiple of 2^-24, is less and more than a 256th off.
    float[] scales = {0.1f, 65_504, 70_000, 0x1.8p-15f, 0x1.05p-18f, 0x1.06p-18f};
    for (int g = 0; g < scales.length; g++) {
      w[32 * g] = 7 * scales[g];
    }
    float tenth = Float.float16ToFloat(Float.floatToFloat16(0.1f));
    float[] expected = {tenth, 65_504, 70_000, 0x1.8p-15f, 0x1.04p-18f, 0x1.06p-18f};
    assertArrayEquals(expected, quantize(1, w, CodeFormat.inGroups(4, 32)).scales());
    w[0] = 127 * 0.1f;
    w[64] = 0;
    w[32] = 0;
    assertArrayEquals(new float[] {w[0] / 127}, quantize(1, w, CodeFormat.perChannel(8)).scales());
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
    return quantize(rows, w, new CodeFormat(8, granularity, 0, false));
  }

  private static Quantized quantize(int rows, float[] w, CodeFormat format) {
    return Quantizer.quantize(dense(rows, w), format, Arena.ofAuto());
  }

  private static byte[] codes(Quantized q) {
    byte[] codes = new byte[q.rows() * q.columns()];
    byte[] row = new byte[q.columns()];
    for (int r = 0; r < q.rows(); r++) {
      q.readCodes(r, row);
      System.arraycopy(row, 0, codes, r * row.length, row.length);
    }
    return codes;
  }
}
