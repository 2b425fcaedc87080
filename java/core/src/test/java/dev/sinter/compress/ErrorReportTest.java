package dev.sinter.compress;

import static dev.sinter.compress.QuantizerTest.dense;
import static dev.sinter.compress.QuantizerTest.gaussian;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ErrorReportTest {
  @Test
  void workedByHand() {
    // w = (3, 4; 0, 0), w' = (3, 3; 0, 1): signal 25, noise 2, product 21, |w'|^2 = 19.
    Dense w = dense(2, new float[] {3, 4, 0, 0});
    ErrorReport report = ErrorReport.of(w, dense(2, new float[] {3, 3, 0, 1}));
    assertEquals(10 * Math.log10(12.5), report.sqnrDb(), 1e-12);
    assertEquals(21 / Math.sqrt(475), report.cosine(), 1e-15);
    assertEquals(1, report.maxError());
  }

  @Test
  void anExactCopyHasNoNoise() {
    Dense w = dense(2, new float[] {3, -4, 0.1f, 1e-20f});
    ErrorReport report = ErrorReport.of(w, w);
    assertEquals(Double.POSITIVE_INFINITY, report.sqnrDb());
    assertEquals(1, report.cosine(), 1e-15);
    assertEquals(0, report.maxError());
  }

  @Test
  void zeros() {
    Dense zero = dense(1, new float[] {0, 0});
    Dense one = dense(1, new float[] {0, 1});
    assertEquals(new ErrorReport(Double.POSITIVE_INFINITY, 1, 0), ErrorReport.of(zero, zero));
    assertEquals(new ErrorReport(Double.NEGATIVE_INFINITY, 0, 1), ErrorReport.of(zero, one));
    assertEquals(new ErrorReport(0, 0, 1), ErrorReport.of(one, zero));
  }

  @Test
  void aNanIsNotHidden() {
    Dense w = dense(1, new float[] {1, 2});
    ErrorReport report = ErrorReport.of(w, dense(1, new float[] {1, Float.NaN}));
    assertEquals(new ErrorReport(Double.NaN, Double.NaN, Double.NaN), report);
  }

  @Test
  void aSignFlipIsTheWorstCosine() {
    ErrorReport report =
        ErrorReport.of(dense(1, new float[] {1, 2}), dense(1, new float[] {-1, -2}));
    assertEquals(-1, report.cosine(), 1e-15);
    assertEquals(4, report.maxError());
  }

  @Test
  void eachLostBitCostsAboutSixDecibels() {
    long seed = Long.getLong("sinter.test.seed", System.nanoTime());
    Dense w = dense(32, gaussian(32 * 128, new Random(seed)));
    Quantized q = Quantizer.roundToNearest(w, 8, Granularity.CHANNEL, Arena.ofAuto());
    ErrorReport eight = ErrorReport.of(w, q);
    // Uniform noise of s^2 / 12 against a signal of 1, with amax about 2.5 to 4.
    assertTrue(eight.sqnrDb() > 38 && eight.sqnrDb() < 48, eight + ", seed " + seed);
    ErrorReport last = eight;
    for (int lost = 1; lost <= 4; lost++) {
      ErrorReport coarser = ErrorReport.of(w, rounded(w, 127 >> lost));
      String where = lost + " bits lost: " + coarser + " after " + last + ", seed " + seed;
      assertEquals(6.02, last.sqnrDb() - coarser.sqnrDb(), 1, where);
      assertTrue(coarser.cosine() < last.cosine(), where);
      assertTrue(coarser.maxError() > last.maxError(), where);
      last = coarser;
    }
  }

  @Test
  void oneScaleAChannelBeatsOneForAll() {
    float[] values = gaussian(8 * 64, new Random(1));
    for (int i = 0; i < values.length; i++) {
      values[i] *= 1 << (i / 64);
    }
    Dense w = dense(8, values);
    Arena arena = Arena.ofAuto();
    ErrorReport channel =
        ErrorReport.of(w, Quantizer.roundToNearest(w, 8, Granularity.CHANNEL, arena));
    ErrorReport tensor =
        ErrorReport.of(w, Quantizer.roundToNearest(w, 8, Granularity.TENSOR, arena));
    assertTrue(channel.sqnrDb() > tensor.sqnrDb() + 1, channel + " and " + tensor);
  }

  @Test
  void shapesMustAgree() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> ErrorReport.of(dense(2, new float[4]), dense(1, new float[4])));
    assertEquals("w: compressed is 1x4, original w is 2x2", e.getMessage());
  }

  /** Rounded to {@code -levels ... levels} steps a row, an independent quantizer in double. */
  private static Dense rounded(Dense w, int levels) {
    float[] all = new float[w.rows() * w.columns()];
    float[] row = new float[w.columns()];
    for (int r = 0; r < w.rows(); r++) {
      w.decodeRow(r, row);
      double amax = 0;
      for (float x : row) {
        amax = Math.max(amax, Math.abs(x));
      }
      for (int k = 0; k < row.length; k++) {
        double step = amax / levels;
        all[r * row.length + k] = (float) (Math.rint(row[k] / step) * step);
      }
    }
    return dense(w.rows(), all);
  }
}
