package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values small enough to be worked out by hand. */
class ReferenceBackendTest {
  private static final float NAN = Float.NaN;

  private final ReferenceBackend backend = new ReferenceBackend();
  private final Arena arena = Arena.ofAuto();

  private MemorySegment floats(float... values) {
    return arena.allocateFrom(JAVA_FLOAT, values);
  }

  private ActivationBuffer quantize(ActivationScheme scheme, int stride, float... row) {
    ActivationBuffer out = ActivationBuffer.allocate(arena, scheme, 1, row.length, stride);
    out.data().fill((byte) 99);
    backend.quantize(new QuantizeSpec(row.length, scheme)).run(floats(row), out, 0, 1);
    return out;
  }

  private static void assertRow(
      ActivationBuffer row, float scale, int zeroPoint, int sum, int... codes) {
    assertEquals(scale, row.scales().get(JAVA_FLOAT, 0));
    assertEquals(zeroPoint, row.zeroPoints().get(JAVA_INT, 0));
    assertEquals(sum, row.sums().get(JAVA_INT, 0));
    byte[] expected = new byte[codes.length];
    for (int i = 0; i < codes.length; i++) {
      expected[i] = (byte) codes[i];
    }
    assertArrayEquals(expected, row.data().toArray(JAVA_BYTE));
  }

  @Test
  void unsignedCodes() {
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    // lo -55, hi 200: scale 1, zero point 55; padding is the zero point
    assertRow(quantize(u8, 5, -55, 200, 0.5f, 1.5f), 1, 55, 147, 0, 255, 55, 57, 55);
    assertRow(quantize(u8, 2, 255, 51), 1, 0, 306, 255, 51);
    assertRow(quantize(u8, 2, -255, -51), 1, 255, -306, 0, 204);
    assertRow(quantize(u8, 3, 0, -0f, 0), 0, 0, 0, 0, 0, 0);
    assertRow(quantize(u8, 3, 1, NAN), NAN, 0, 0, 0, 0, 0);
    assertRow(quantize(u8, 3, Float.NEGATIVE_INFINITY, 1), NAN, 0, 0, 0, 0, 0);
    // a scale in the subnormal range is coarse, so the codes are clamped: 300 / 1
    assertRow(quantize(u8, 1, 300 * Float.MIN_VALUE), Float.MIN_VALUE, 0, 255, 255);
  }

  @Test
  void signedCodes() {
    ActivationScheme s8 = ActivationScheme.S8_PER_TOKEN;
    assertRow(quantize(s8, 5, -127, 2.5f, 3.5f, 0), 1, 0, -121, -127, 2, 4, 0, 0);
    assertRow(quantize(s8, 2, 0, 0), 0, 0, 0, 0, 0);
    assertRow(quantize(s8, 2, 1, Float.POSITIVE_INFINITY), NAN, 0, 0, 0, 0);
  }

  @Test
  void floatMatmulWithTheWholeEpilogue() {
    Dense w = new Dense("w", 2, 3, DType.F32, floats(1, 2, 3, -1, 0, 1));
    Epilogue epilogue = new Epilogue(true, Activation.GELU_ERF, true);
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.FLOAT, epilogue);
    MatmulReference kernel = backend.matmul(spec, w, new float[] {-1, 0.5f});
    MemorySegment y = floats(10, 20); // holds the residual
    kernel.run(0, 0, 1, ActivationBuffer.floats(floats(1, -1, 1), 1, 3), y);
    // gelu(1) and gelu(0.5): x times the normal distribution function
    assertEquals(10.841344746f, y.getAtIndex(JAVA_FLOAT, 0));
    assertEquals(20.345731230f, y.getAtIndex(JAVA_FLOAT, 1));
  }

  @Test
  void gates() {
    // On x = (1, 2): gates of 1 and -2, to be multiplied by 3 + 0.5 and 5 + 0.25.
    Dense w = new Dense("w", 4, 2, DType.F32, floats(1, 0, 0, -1, 1, 1, 1, 2));
    float[] silu = {3.5f * 0.731058579f, 5.25f * -0.238405844f};
    float[] geluTanh = {3.5f * 0.841191991f, 5.25f * -0.0454022859f};
    float[] none = {3.5f, -10.5f};
    for (Activation activation : List.of(Activation.SILU, Activation.GELU_TANH, Activation.NONE)) {
      Epilogue gate = Epilogue.gate(true, activation);
      MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.FLOAT, gate);
      assertEquals(2, spec.n());
      assertEquals(4, spec.weightRows());
      MatmulReference kernel = backend.matmul(spec, w, new float[] {0, 0, 0.5f, 0.25f});
      MemorySegment y = floats(NAN, NAN);
      kernel.run(0, 0, 1, ActivationBuffer.floats(floats(1, 2), 1, 2), y);
      float[] expected =
          activation == Activation.SILU
              ? silu
              : activation == Activation.GELU_TANH ? geluTanh : none;
      assertArrayEquals(expected, y.toArray(JAVA_FLOAT), 1e-6f, spec.toString());
      assertThrows(IllegalArgumentException.class, () -> backend.matmul(spec, w, new float[2]));
    }
  }

  @Test
  void codesTimesCodes() {
    Quantized w =
        new Quantized(
            "w",
            2,
            2,
            8,
            Granularity.CHANNEL,
            arena.allocateFrom(JAVA_BYTE, (byte) -128, (byte) 127, (byte) 1, (byte) 2),
            new float[] {0.5f, 2});
    ActivationBuffer x = quantize(ActivationScheme.U8_PER_TOKEN, 2, -55, 200);
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.U8_PER_TOKEN, Epilogue.BIAS);
    MatmulReference kernel = backend.matmul(spec, w, new float[] {1, 2});
    assertEquals(55 * 128 + 200 * 127, kernel.accumulator(x, 0, 0));
    MemorySegment y = floats(NAN, NAN);
    kernel.run(0, 0, 1, x, y);
    assertArrayEquals(new float[] {16221, 692}, y.toArray(JAVA_FLOAT));

    Quantized perTensor =
        new Quantized("w", 2, 2, 8, Granularity.TENSOR, w.codes(), new float[] {0.5f});
    ActivationBuffer signed = quantize(ActivationScheme.S8_PER_TOKEN, 2, -127, 3);
    MatmulSpec tensor = MatmulSpec.of(perTensor, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    backend.matmul(tensor, perTensor, null).run(0, 0, 1, signed, y);
    assertArrayEquals(new float[] {8318.5f, -60.5f}, y.toArray(JAVA_FLOAT));
  }

  @Test
  void weightOnlyMatmul() {
    Quantized w =
        new Quantized(
            "w",
            1,
            2,
            8,
            Granularity.CHANNEL,
            arena.allocateFrom(JAVA_BYTE, (byte) -3, (byte) 4),
            new float[] {0.5f});
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.FLOAT, Epilogue.NONE);
    MemorySegment y = floats(NAN);
    ActivationBuffer x = ActivationBuffer.floats(floats(1, 0.25f), 1, 2);
    backend.matmul(spec, w, null).run(0, 0, 1, x, y);
    assertEquals(-1, y.get(JAVA_FLOAT, 0));
  }

  @Test
  void groupsHaveScalesAndZeroPointsOfTheirOwn() {
    // 33 codes of 1 and then, in the last group, one of -8; the last nibble means nothing.
    byte[] codes = new byte[17];
    Arrays.fill(codes, (byte) 0x11);
    codes[16] = (byte) 0x78;
    Quantized w =
        new Quantized(
            "w",
            1,
            33,
            new CodeFormat(4, Granularity.GROUP, 32, true),
            arena.allocateFrom(JAVA_BYTE, codes),
            new float[] {0.5f, 2},
            new byte[] {8, 15});
    float[] row = new float[33];
    Arrays.fill(row, 2);
    row[32] = 127;
    ActivationBuffer x = quantize(ActivationScheme.S8_PER_TOKEN, 33, row);
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.S8_PER_TOKEN, Epilogue.NONE);
    MatmulReference kernel = backend.matmul(spec, w, null);
    assertEquals(64, kernel.accumulator(x, 0, 0, 0));
    assertEquals(127 * (-8 + 8 - 15), kernel.accumulator(x, 0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> kernel.accumulator(x, 0, 0));
    MemorySegment y = floats(NAN);
    kernel.run(0, 0, 1, x, y);
    assertEquals(32 - 2 * 1905, y.get(JAVA_FLOAT, 0));
    MatmulSpec weightOnly = MatmulSpec.of(w, ActivationScheme.FLOAT, Epilogue.NONE);
    ActivationBuffer floats = ActivationBuffer.floats(floats(row), 1, 33);
    backend.matmul(weightOnly, w, null).run(0, 0, 1, floats, y);
    assertEquals(32 - 2 * 1905, y.get(JAVA_FLOAT, 0));
  }

  @Test
  void sumsOfPartsOfARow() {
    QuantizeSpec spec = new QuantizeSpec(65, ActivationScheme.U8_PER_TOKEN, false, 32);
    float[] row = new float[65];
    Arrays.fill(row, 0, 32, 2);
    row[32] = -55;
    row[64] = 200;
    ActivationBuffer x = ActivationBuffer.allocate(arena, spec, 1, 65);
    backend.quantize(spec).run(floats(row), x, 0, 1);
    assertArrayEquals(new int[] {64, -55, 200}, x.stepSums().toArray(JAVA_INT));
    assertArrayEquals(new int[] {209}, x.sums().toArray(JAVA_INT));
  }

  @Test
  void aNanScaleGivesANanRowAndNoOther() {
    Quantized w =
        new Quantized(
            "w",
            1,
            2,
            8,
            Granularity.CHANNEL,
            arena.allocateFrom(JAVA_BYTE, (byte) 1, (byte) 1),
            new float[] {1});
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    ActivationBuffer x = ActivationBuffer.allocate(arena, u8, 5, 2, 2);
    MemorySegment rows = floats(1, 2, 1, 2, 1, NAN, 1, 2, 1, 2);
    backend.quantize(new QuantizeSpec(2, u8)).run(rows, x, 0, 5);
    MatmulReference kernel = backend.matmul(MatmulSpec.of(w, u8, Epilogue.NONE), w, null);
    MemorySegment y = floats(new float[5]);
    assertEquals(2, kernel.tiles(5));
    kernel.run(0, 0, 5, x, y);
    kernel.run(0, 1, 5, x, y);
    for (int row = 0; row < 5; row++) {
      assertEquals(row == 2, Float.isNaN(y.getAtIndex(JAVA_FLOAT, row)), "row " + row);
    }
  }

  @Test
  void attentionOfTwoTokens() {
    // head 1 of 2, one column a head; row 0 is another sequence. Scores of row 1: 0 and ln 3.
    MemorySegment q = floats(NAN, NAN, NAN, 1, NAN, 0);
    MemorySegment k = floats(NAN, NAN, NAN, 0, NAN, (float) Math.log(3));
    MemorySegment v = floats(NAN, NAN, NAN, 8, NAN, 16);
    MemorySegment out = floats(-1, -1, -1, -1, -1, -1);
    backend.attention(new AttentionSpec(2, 1, 2)).run(0, q, k, v, 2, out, 1, 2, 1);
    float[] expected = {-1, -1, -1, 14, -1, 12};
    assertArrayEquals(expected, out.toArray(JAVA_FLOAT), 1e-6f);
  }

  @Test
  void layerNormOfOneRow() {
    MemorySegment x = floats(NAN, NAN, 1, 5, NAN, NAN);
    NormSpec spec = new NormSpec(2, 5); // variance 4, deviation 3
    backend.norm(spec, new float[] {3, 6}, new float[] {0, 1}).run(x, x, 1, 2);
    assertArrayEquals(new float[] {NAN, NAN, -2, 5, NAN, NAN}, x.toArray(JAVA_FLOAT));
  }

  @Test
  void refusesWhatDisagrees() {
    assertTrue(backend.supports(new QuantizeSpec(3, ActivationScheme.S8_PER_TOKEN)).supported());
    MatmulSpec odd =
        new MatmulSpec(3, 2, null, CodeFormat.perChannel(4), ActivationScheme.FLOAT, Epilogue.NONE);
    assertTrue(backend.supports(odd).supported());
    Dense w = new Dense("w", 2, 3, DType.F32, floats(1, 2, 3, -1, 0, 1));
    MatmulSpec spec = MatmulSpec.of(w, ActivationScheme.FLOAT, Epilogue.BIAS);
    assertThrows(IllegalArgumentException.class, () -> backend.matmul(spec, w, null));
    assertThrows(IllegalArgumentException.class, () -> backend.matmul(odd, w, null));
    assertThrows(
        IllegalArgumentException.class,
        () -> backend.norm(new NormSpec(2, 0), new float[2], new float[3]));
  }
}
