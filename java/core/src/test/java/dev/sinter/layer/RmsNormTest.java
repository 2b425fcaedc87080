package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.testing.NormBounds;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RmsNormTest {
  private static final float EPSILON = 1e-5f;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));

  @AfterEach
  void close() {
    sinter.close();
    arena.close();
  }

  private void check(float[] x, float[] gamma, MemorySegment found, long from, String where) {
    int n = x.length;
    double square = 0;
    for (float v : x) {
      square += (double) v * v / n;
    }
    NormSpec spec = new NormSpec(NormSpec.Kind.RMS, n, EPSILON, null);
    double[] bounds = NormBounds.of(x, gamma, new float[n], spec, where);
    for (int i = 0; i < n; i++) {
      double expected = x[i] / Math.sqrt(square + EPSILON) * gamma[i];
      double distance = Math.abs(found.getAtIndex(JAVA_FLOAT, from + i) - expected);
      assertTrue(distance <= bounds[i], where + ", element " + i + " " + random);
    }
  }

  @Test
  void dividesByTheRootMeanSquare() {
    for (int width : new int[] {7, 64, 2048}) {
      float[] gamma = random.normals(width, 1);
      float[] x = random.normals(3 * width, 2);
      try (RmsNorm norm = RmsNorm.of(sinter, gamma, EPSILON, null)) {
        assertEquals(8L * width, norm.bytes());
        assertTrue(norm.explain().contains("RMS norm of " + width), norm::explain);
        MemorySegment from = arena.allocateFrom(JAVA_FLOAT, x);
        MemorySegment to = arena.allocate(from.byteSize(), 64);
        norm.step(from, to, null).run(1, 3);
        for (int row = 1; row < 3; row++) {
          float[] values = Arrays.copyOfRange(x, row * width, (row + 1) * width);
          check(values, gamma, to, (long) row * width, "width " + width);
        }
        assertEquals(0, to.get(JAVA_FLOAT, 0));
      }
    }
  }

  @Test
  void makesTheCodesThatTheNextLayerTakes() {
    int width = 96;
    float[] gamma = random.normals(width, 1);
    MemorySegment values = arena.allocate(4L * 8 * width, 64);
    random.fill(values, 1);
    Dense weights = new Dense("w", 8, width, DType.F32, values);
    try (Linear next =
            Linear.of(
                sinter,
                Quantizer.roundToNearest(weights, CodeFormat.perChannel(8), arena),
                (float[]) null,
                ActivationScheme.S8_PER_TOKEN);
        RmsNorm norm = RmsNorm.of(sinter, gamma, EPSILON, next)) {
      MemorySegment x = arena.allocateFrom(JAVA_FLOAT, random.normals(5 * width, 1));
      MemorySegment y = arena.allocate(x.byteSize(), 64);
      ActivationBuffer codes = next.codes(arena, 5);
      norm.step(x, y, codes).run(0, 5);
      QuantizeSpec spec = next.inputCodes();
      ActivationBuffer expected = next.codes(arena, 5);
      new ReferenceBackend().quantize(spec).run(y, expected, 0, 5);
      assertArrayEquals(expected.data().toArray(JAVA_BYTE), codes.data().toArray(JAVA_BYTE));
      assertArrayEquals(expected.scales().toArray(JAVA_FLOAT), codes.scales().toArray(JAVA_FLOAT));
    }
  }

  @Test
  void headsOfQueriesAndKeysEachByThemselves() {
    int heads = 3;
    int kvHeads = 2;
    int headDim = 24;
    float[] queryGamma = random.normals(headDim, 1);
    float[] keyGamma = random.normals(headDim, 1);
    int row = heads + 2 * kvHeads;
    float[] before = random.normals(4 * row * headDim, 3);
    try (HeadNorm norm = HeadNorm.of(sinter, heads, kvHeads, queryGamma, keyGamma, EPSILON)) {
      MemorySegment qkv = arena.allocateFrom(JAVA_FLOAT, before);
      norm.step(qkv).run(1, 4);
      for (int i = 0; i < 4 * row; i++) {
        int head = i % row;
        float[] values = Arrays.copyOfRange(before, i * headDim, (i + 1) * headDim);
        if (i < row || head >= heads + kvHeads) {
          float[] found = qkv.asSlice(4L * i * headDim, 4L * headDim).toArray(JAVA_FLOAT);
          assertArrayEquals(values, found, "head " + i);
        } else {
          float[] gamma = head < heads ? queryGamma : keyGamma;
          check(values, gamma, qkv, (long) i * headDim, "head " + i);
        }
      }
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> HeadNorm.of(sinter, 1, 1, queryGamma, new float[3], EPSILON));
  }
}
