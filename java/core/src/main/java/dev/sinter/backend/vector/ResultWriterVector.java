package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.sinter.backend.Activation;
import dev.sinter.backend.Epilogue;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Scales, bias, activation and residual of a matmul, on panels of columns that may end beyond the
 * last one; only columns that exist are read from and written to y.
 *
 * <p>GELU is {@code max(x, 0) - g(|x|)} with {@code g(a) = a (1 - Phi(a)) = a exp(-a^2 / 2) R(a)}
 * and R the Mills ratio over sqrt(2 pi), here a polynomial of degree 8 in {@code t = 1 / (1 + 0.3
 * a)} that is fitted for a from 0 to 13.3 to a relative error of 5.7e-8 (the form is that of
 * Abramowitz and Stegun, 1964, 7.1.26). g is at most 0.17 and its relative error 10 * 2^-24, so
 * that the result errs by less than 2.5 * 2^-24 max(1, |x|). Minus infinity gives NaN, as the
 * formula with erf does.
 */
final class ResultWriterVector implements ResultWriter {
  private static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorWidth.shape(MethodHandles.lookup()));
  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int LANES = FLOATS.length();
  private static final long VECTOR = FLOATS.vectorByteSize();
  private static final int COLUMNS = 4 * LANES;
  private static final long PANEL = 4L * COLUMNS;

  /** From here on g is 0 for all that f32 can tell. */
  private static final float FAR = 13;

  private static final float T = 0.3f;
  private static final float R8 = 0.0383115260f;
  private static final float R7 = -0.168841202f;
  private static final float R6 = 0.227987984f;
  private static final float R5 = -0.0757366060f;
  private static final float R4 = 0.142002834f;
  private static final float R3 = 0.0949108900f;
  private static final float R2 = 0.121862031f;
  private static final float R1 = 0.119495885f;
  private static final float R0 = 6.68627464e-6f;

  private final boolean gelu;
  private final boolean residual;
  private final int n;
  private final MemorySegment bias;
  private final MemorySegment scales;
  private final MemorySegment weightSums;
  private final Exponential exponential;

  /**
   * @param bias f32 for each column of every panel, 0 where there is none
   * @param scales f32 likewise, of the weights; null if sums are floats
   * @param weightSums int32 likewise
   */
  ResultWriterVector(
      Epilogue epilogue,
      Integer n,
      MemorySegment bias,
      MemorySegment scales,
      MemorySegment weightSums,
      Exponential exponential) {
    gelu = epilogue.activation() == Activation.GELU_ERF;
    residual = epilogue.residual();
    this.n = n;
    this.bias = bias;
    this.scales = scales;
    this.weightSums = weightSums;
    this.exponential = exponential;
  }

  @Override
  public void scale(
      MemorySegment sums,
      long at,
      int correction,
      float scale,
      int panel,
      MemorySegment values,
      long valuesAt) {
    IntVector corrections = IntVector.broadcast(INTS, correction);
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    for (long i = 0; i < PANEL; i += VECTOR) {
      IntVector sum =
          IntVector.fromMemorySegment(INTS, weightSums, panel * PANEL + i, CodePanel.ORDER)
              .mul(corrections)
              .add(IntVector.fromMemorySegment(INTS, sums, at + i, CodePanel.ORDER));
      ((FloatVector) sum.convertShape(VectorOperators.I2F, FLOATS, 0))
          .mul(FloatVector.fromMemorySegment(FLOATS, scales, panel * PANEL + i, ORDER))
          .mul(factor)
          .intoMemorySegment(values, valuesAt + i, ORDER);
    }
  }

  @Override
  public void scale(MemorySegment sums, long at, float scale, MemorySegment values, long valuesAt) {
    FloatVector factor = FloatVector.broadcast(FLOATS, scale);
    for (long i = 0; i < PANEL; i += VECTOR) {
      FloatVector.fromMemorySegment(FLOATS, sums, at + i, ORDER)
          .mul(factor)
          .intoMemorySegment(values, valuesAt + i, ORDER);
    }
  }

  @Override
  public void finish(MemorySegment values, int rows, int panel, MemorySegment scratch) {
    for (long at = 0; at < rows * PANEL; at += VECTOR) {
      FloatVector x =
          FloatVector.fromMemorySegment(FLOATS, values, at, ORDER)
              .add(FloatVector.fromMemorySegment(FLOATS, bias, panel * PANEL + at % PANEL, ORDER));
      x.intoMemorySegment(values, at, ORDER);
    }
    if (gelu) {
      gelu(values, (int) (rows * PANEL), scratch);
    }
  }

  private void gelu(MemorySegment values, int bytes, MemorySegment scratch) {
    for (int at = 0; at < bytes; at += (int) VECTOR) {
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, values, at, ORDER);
      FloatVector negative = x.min(FloatVector.broadcast(FLOATS, 0));
      FloatVector a = x.sub(negative).sub(negative).min(FloatVector.broadcast(FLOATS, FAR));
      a.mul(a).intoMemorySegment(scratch, at, ORDER);
    }
    exponential.apply(scratch, 0, bytes, 0, -0.5f, bytes);
    for (int at = 0; at < bytes; at += (int) VECTOR) {
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, values, at, ORDER);
      FloatVector negative = x.min(FloatVector.broadcast(FLOATS, 0));
      FloatVector positive = x.sub(negative); // NaN for minus infinity
      FloatVector a = positive.sub(negative).min(FloatVector.broadcast(FLOATS, FAR));
      FloatVector t =
          FloatVector.broadcast(FLOATS, 1)
              .div(a.fma(FloatVector.broadcast(FLOATS, T), FloatVector.broadcast(FLOATS, 1)));
      FloatVector r = t.fma(FloatVector.broadcast(FLOATS, R8), FloatVector.broadcast(FLOATS, R7));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R6));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R5));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R4));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R3));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R2));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R1));
      r = r.fma(t, FloatVector.broadcast(FLOATS, R0));
      positive
          .sub(FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER).mul(a).mul(r))
          .intoMemorySegment(values, at, ORDER);
    }
  }

  @Override
  public void write(MemorySegment values, int rows, int panel, MemorySegment y, int row) {
    int columns = Math.min(COLUMNS, n - panel * COLUMNS);
    int whole = columns / LANES * LANES;
    for (int r = 0; r < rows; r++) {
      long from = r * PANEL;
      long to = 4 * ((long) (row + r) * n + (long) panel * COLUMNS);
      if (residual) {
        for (int c = 0; c < whole; c += LANES) {
          FloatVector.fromMemorySegment(FLOATS, values, from + 4L * c, ORDER)
              .add(FloatVector.fromMemorySegment(FLOATS, y, to + 4L * c, ORDER))
              .intoMemorySegment(y, to + 4L * c, ORDER);
        }
        for (int c = whole; c < columns; c++) {
          float value = values.get(JAVA_FLOAT_UNALIGNED, from + 4L * c);
          float before = y.get(JAVA_FLOAT_UNALIGNED, to + 4L * c);
          y.set(JAVA_FLOAT_UNALIGNED, to + 4L * c, before + value);
        }
      } else {
        for (int c = 0; c < whole; c += LANES) {
          FloatVector.fromMemorySegment(FLOATS, values, from + 4L * c, ORDER)
              .intoMemorySegment(y, to + 4L * c, ORDER);
        }
        for (int c = whole; c < columns; c++) {
          float value = values.get(JAVA_FLOAT_UNALIGNED, from + 4L * c);
          y.set(JAVA_FLOAT_UNALIGNED, to + 4L * c, value);
        }
      }
    }
  }
}
