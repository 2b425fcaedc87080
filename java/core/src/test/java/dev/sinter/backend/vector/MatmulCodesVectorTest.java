package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.backend.reference.MatmulReference;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.Code;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The integers of the matmuls on codes, bit for bit. */
class MatmulCodesVectorTest {
  private final MatmulCases cases = new MatmulCases();

  @AfterEach
  void free() {
    cases.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void accumulatorsAreExact(ActivationScheme activations) {
    int[] extremes = {-128, -127, -1, 0, 1, 127};
    for (int k : new int[] {1, 3, 64, 130, 1100}) {
      checkAccumulators(activations, k, 131, () -> cases.random.integer(-128, 128), -1);
      checkAccumulators(
          activations, k, 131, () -> extremes[cases.random.integer(0, extremes.length)], -1);
      for (int weight : new int[] {-128, 127}) {
        for (int code : new int[] {0, 127, 128, 255}) { // as bytes: 0, 127, -128, -1
          checkAccumulators(activations, k, 3, () -> weight, code);
        }
      }
    }
  }

  @Test
  void accumulatorsOfTheLongestRowsStillFit() {
    int k = MatmulInt8Vector.MAX_K;
    checkAccumulators(ActivationScheme.U8_PER_TOKEN, k, 2, () -> -128, 255);
    checkAccumulators(ActivationScheme.U8_PER_TOKEN, k, 2, () -> 127, 0);
    MatmulSpec longer =
        new MatmulSpec(
            k + 1, 2, null, CodeFormat.perChannel(8), ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    Support support = new VectorBackend(1, 0).supports(longer);
    assertFalse(support.supported());
    assertTrue(support.reason().contains("may overflow"), support.reason());
  }

  /**
   * @param code every code, or -1 for random ones
   */
  private void checkAccumulators(
      ActivationScheme activations, int k, int n, IntSupplier weight, int code) {
    Quantized weights =
        cases.quantized(k, n, new CodeFormat(8, Granularity.TENSOR, 0, false), weight);
    MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
    MatmulReference judge = cases.reference.matmul(spec, weights, null);
    int m = 6;
    for (int bits : Widths.ofThisHost()) {
      try (VectorBackend backend = new VectorBackend(1, bits);
          MatmulScratch scratch = new MatmulScratch(1);
          MatmulInt8Vector kernel = (MatmulInt8Vector) backend.matmul(spec, weights, null)) {
        ActivationBuffer x =
            ActivationBuffer.allocate(cases.arena, activations, m, k, kernel.codeColumns());
        for (int r = 0; r < m; r++) {
          for (int i = 0; i < x.stride(); i++) { // the padding is not to matter
            int value = code < 0 || i >= k ? cases.random.integer(0, 256) : code;
            x.data().set(JAVA_BYTE, (long) r * x.stride() + i, (byte) value);
          }
          int zeroPoint = r < 2 ? 255 * r : cases.random.integer(0, 256);
          boolean unsigned = activations == ActivationScheme.U8_PER_TOKEN;
          x.zeroPoints().setAtIndex(JAVA_INT, r, unsigned ? zeroPoint : 0);
        }
        for (int rows : new int[] {1, 3, 4, 6}) {
          int step = MatmulScratch.COLUMNS / kernel.width;
          for (int first = 0; first < kernel.panels; first += step) {
            int end = Math.min(kernel.panels, first + step);
            int[] sums = kernel.accumulators(scratch.piece(0), x, m - rows, rows, first, end);
            int columns = (end - first) * kernel.width;
            for (int i = 0; i < sums.length; i++) {
              int row = m - rows + i / columns;
              int column = first * kernel.width + i % columns;
              String where =
                  bits + " bits, " + spec + ", " + rows + " rows, code " + code + " at " + row;
              long want = column < n ? judge.accumulator(x, row, column) : 0;
              assertEquals(want, sums[i], where + "," + column + " " + cases.random);
            }
          }
        }
      }
    }
  }

  /** With and without zero points, in groups or not. */
  private static List<CodeFormat> formatsOfInt4(int... groups) {
    List<CodeFormat> formats = new ArrayList<>();
    for (boolean zeroPoints : new boolean[] {false, true}) {
      formats.add(new CodeFormat(4, Granularity.CHANNEL, 0, zeroPoints));
      for (int group : groups) {
        formats.add(new CodeFormat(4, Granularity.GROUP, group, zeroPoints));
      }
    }
    return formats;
  }

  @ParameterizedTest
  @EnumSource(names = {"U8_PER_TOKEN", "S8_PER_TOKEN"})
  void sumsOfInt4GroupsAreExact(ActivationScheme activations) {
    for (int k : new int[] {1, 31, 64, 130, 600, 1100}) {
      for (Code few : List.of(Code.TERNARY, Code.BINARY)) {
        IntSupplier ends = () -> 2 * cases.random.integer(0, 2) - 1;
        checkGroups(activations, k, CodeFormat.inGroups(few, 96), ends, -1);
      }
      for (CodeFormat format : formatsOfInt4(32, 96, 512)) {
        checkGroups(activations, k, format, () -> cases.random.integer(-8, 8), -1);
        for (int weight : k == 600 ? new int[] {-8, 7} : new int[0]) {
          for (int code : new int[] {0, 127, 128, 255}) {
            checkGroups(activations, k, format, () -> weight, code);
          }
        }
      }
    }
  }

  /**
   * With scales of 1 and 0 the results are the sums of groups, which floats hold exactly here.
   *
   * @param code every code, or -1 for random ones
   */
  private void checkGroups(
      ActivationScheme activations, int k, CodeFormat format, IntSupplier weight, int code) {
    int n = 67;
    int m = 3;
    Quantized random = cases.quantized(k, n, format, weight);
    int groups = format.groups(k);
    float[] scales = new float[n * groups];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = cases.random.integer(0, 2);
    }
    Quantized weights =
        new Quantized("w", n, k, format, random.codes(), scales, random.zeroPoints());
    MatmulSpec spec = MatmulSpec.of(weights, activations, Epilogue.NONE);
    MatmulReference judge = cases.reference.matmul(spec, weights, null);
    for (int bits : Widths.ofThisHost()) {
      try (Arena arena = Arena.ofConfined();
          VectorBackend backend = new VectorBackend(1, bits);
          MatmulKernel kernel = backend.matmul(spec, weights, null)) {
        QuantizeSpec quantize = MatmulCases.quantize(spec, kernel);
        ActivationBuffer x = ActivationBuffer.allocate(arena, quantize, m, kernel.codeColumns());
        fill(x, code);
        MemorySegment y = arena.allocate(4L * m * n);
        MatmulCases.runAll(kernel, m, x, y);
        for (int i = 0; i < m * n; i++) {
          long want = 0;
          for (int g = 0; g < groups; g++) {
            want += scales[i % n * groups + g] == 0 ? 0 : judge.accumulator(x, i / n, i % n, g);
          }
          String where = bits + " bits, " + spec + ", code " + code + " at " + i;
          assertEquals(want, y.getAtIndex(JAVA_FLOAT, i), where + " " + cases.random);
        }
      }
    }
  }

  /** Codes, zero points, their sums, scales of 1; the padding is not to matter. */
  private void fill(ActivationBuffer x, int code) {
    boolean unsigned = x.scheme() == ActivationScheme.U8_PER_TOKEN;
    for (int r = 0; r < x.rows(); r++) {
      int zeroPoint = !unsigned ? 0 : r < 2 ? 255 * r : cases.random.integer(0, 256);
      x.scales().setAtIndex(JAVA_FLOAT, r, 1);
      x.zeroPoints().setAtIndex(JAVA_INT, r, zeroPoint);
      int sum = 0;
      int stepSum = 0;
      for (int k = 0; k < x.stride(); k++) {
        int value = code < 0 || k >= x.columns() ? cases.random.integer(0, 256) : code;
        x.data().set(JAVA_BYTE, (long) r * x.stride() + k, (byte) value);
        if (k < x.columns()) {
          int centered = (unsigned ? value : (byte) value) - zeroPoint;
          sum += centered;
          stepSum += centered;
          if (x.sumStep() != 0 && ((k + 1) % x.sumStep() == 0 || k + 1 == x.columns())) {
            long steps = Math.ceilDiv(x.columns(), x.sumStep());
            x.stepSums().setAtIndex(JAVA_INT, r * steps + k / x.sumStep(), stepSum);
            stepSum = 0;
          }
        }
      }
      x.sums().setAtIndex(JAVA_INT, r, sum);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "31,17", "33,15", "127,193", "384,49", "1000,18"})
  void int4AgreesWithTheReference(int k, int n) {
    for (CodeFormat format : formatsOfInt4(32, 128, 160)) {
      Quantized weights = cases.quantized(k, n, format);
      for (ActivationScheme activations :
          List.of(ActivationScheme.U8_PER_TOKEN, ActivationScheme.S8_PER_TOKEN)) {
        int epilogue = cases.random.integer(0, MatmulCases.EPILOGUES.size());
        cases.compare(weights, activations, MatmulCases.EPILOGUES.get(epilogue));
      }
    }
    CodeFormat one = new CodeFormat(4, Granularity.TENSOR, 0, true);
    cases.compare(cases.quantized(k, n, one), ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
  }

  @Test
  void int4RefusesInputWithOtherSumsAndRowsTooLong() {
    Quantized weights = cases.quantized(96, 16, CodeFormat.inGroups(4, 32));
    MatmulSpec spec = MatmulSpec.of(weights, ActivationScheme.U8_PER_TOKEN, Epilogue.NONE);
    try (VectorBackend backend = new VectorBackend(1, 0);
        MatmulKernel kernel = backend.matmul(spec, weights, null)) {
      assertEquals(32, kernel.sumStep());
      for (int step : new int[] {0, 64}) {
        QuantizeSpec other = new QuantizeSpec(96, spec.activations(), false, step);
        ActivationBuffer x = ActivationBuffer.allocate(cases.arena, other, 1, kernel.codeColumns());
        MemorySegment y = cases.arena.allocate(4 * 16);
        assertThrows(IllegalArgumentException.class, () -> kernel.run(0, 0, 1, x, y));
      }
      MatmulSpec longer =
          new MatmulSpec(
              MatmulInt4Vector.MAX_K + 1, 2, null, spec.codes(), spec.activations(), Epilogue.NONE);
      String reason = backend.supports(longer).reason();
      assertTrue(reason.contains("may overflow"), reason);
    }
  }
}
