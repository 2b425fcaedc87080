package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Activation;
import dev.sinter.backend.Epilogue;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.RowStack;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.Allocation;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that share their input, in one pass: query, key and value, and gates. */
class StackedLinearTest {
  private static final int K = 300;
  private static final int N = 205;
  private static final int[] ROWS = {1, 5, 130};

  /** In the place of a scheme's name: w4a8 in groups of 128 with zero points. */
  private static final String ZERO_POINTS = "zero points";

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));

  @AfterEach
  void close() {
    sinter.close();
    arena.close();
  }

  /** Each part gets the numbers it gets alone. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "f32",
        "w8a8",
        "w4a8",
        "w4a8:32",
        ZERO_POINTS,
        "w8a16",
        "w4a16",
        "ternary",
        "binary"
      })
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void queryKeyAndValueRunAsOne(String scheme) {
    List<CompressedTensor> parts = IntStream.range(0, 3).mapToObj(i -> weights(scheme, N)).toList();
    ActivationScheme activations = activations(scheme);
    CompressedTensor stack = RowStack.of("qkv", parts, arena);
    try (Linear stacked = Linear.of(sinter, stack, (float[]) null, activations)) {
      assertEquals(3 * N, stacked.spec().n());
      for (int m : ROWS) {
        MemorySegment x = inputs(m);
        MemorySegment all = forward(stacked, x, m);
        for (int i = 0; i < 3; i++) {
          try (Linear part = Linear.of(sinter, parts.get(i), (float[]) null, activations)) {
            MemorySegment alone = forward(part, x, m);
            for (int row = 0; row < m; row++) {
              MemorySegment columns = all.asSlice(4L * (3 * row + i) * N, 4L * N);
              long difference = columns.mismatch(alone.asSlice(4L * row * N, 4L * N));
              assertEquals(-1, difference, "part " + i + " " + random);
            }
          }
        }
      }
    }
  }

  /** The same bits as two layers and a multiplication, for any number of threads. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "f32",
        "w8a8",
        "w4a8",
        "w4a8:32",
        ZERO_POINTS,
        "w8a16",
        "w4a16",
        "ternary",
        "binary"
      })
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void aGateIsTheProductOfTwoLayers(String scheme) {
    ActivationScheme activations = activations(scheme);
    for (Activation activation : Activation.values()) {
      int n = N - activation.ordinal();
      CompressedTensor gate = weights(scheme, n);
      CompressedTensor up = weights(scheme, n);
      float[] gateBias = random.normals(n, 1);
      float[] upBias = random.normals(n, 1);
      Epilogue epilogue = new Epilogue(true, activation, false);
      try (Sinter alone = Sinter.open(SinterOptions.defaults().withThreads(1));
          Linear a = Linear.of(sinter, gate, gateBias, activations, epilogue);
          Linear b = Linear.of(sinter, up, upBias, activations);
          Linear both = Linear.gated(sinter, gate, up, gateBias, upBias, activation, activations);
          Linear by1 = Linear.gated(alone, gate, up, gateBias, upBias, activation, activations)) {
        for (int m : ROWS) {
          MemorySegment x = inputs(m);
          MemorySegment expected = product(forward(a, x, m), forward(b, x, m));
          String where = both.spec() + ", m=" + m + " " + random;
          assertEquals(-1, expected.mismatch(forward(both, x, m)), where);
          assertEquals(-1, expected.mismatch(forward(by1, x, m)), where);
        }
      }
    }
  }

  @Test
  void aBiasThatIsMissingIsZero() {
    Dense gate = dense(N);
    Dense up = dense(N);
    float[] bias = random.normals(N, 1);
    float[] zeros = new float[N];
    MemorySegment x = inputs(3);
    try (Linear gateOnly = gated(gate, up, bias, null);
        Linear gateAndZeros = gated(gate, up, bias, zeros);
        Linear upOnly = gated(gate, up, null, bias);
        Linear zerosAndUp = gated(gate, up, zeros, bias);
        Linear none = gated(gate, up, null, null)) {
      assertEquals(-1, forward(gateOnly, x, 3).mismatch(forward(gateAndZeros, x, 3)));
      assertEquals(-1, forward(upOnly, x, 3).mismatch(forward(zerosAndUp, x, 3)));
      assertTrue(!none.spec().epilogue().bias() && upOnly.spec().epilogue().bias());
    }
  }

  @Test
  void aGateIsExplained() {
    CompressedTensor weights = weights("w8a8", N);
    try (Linear linear =
        Linear.gated(
            sinter, weights, weights, null, null, Activation.SILU, ActivationScheme.U8_PER_TOKEN)) {
      String text = linear.explain();
      assertTrue(text.startsWith("matmul 300x205 weights I8 per CHANNEL"), text);
      assertTrue(text.contains(", SILU, gate\n  runs on "), text);
      assertTrue(text.contains("\n  not onednn: has no gate"), text);
    }
  }

  @Test
  void badArgumentsAreNamed() {
    Dense w = dense(N);
    Dense odd = dense(N - 2);
    expect("up has 203 rows, w has 205", () -> gated(w, named("up", odd), null, null));
    expect(
        "w: bias has 3 values, the weights have 205 rows", () -> gated(w, w, new float[3], null));
    expect("up: bias has 410", () -> gated(w, named("up", w), null, new float[2 * N]));
    expect("cannot be stacked on w", () -> gated(w, weights("w8a8", N), null, null));
    expect(
        "w: a gate needs two matrices of N rows each, got 205 rows",
        () ->
            Linear.of(
                sinter, w, null, ActivationScheme.FLOAT, Epilogue.gate(false, Activation.SILU)));
    expect("a gate has no residual", () -> new Epilogue(false, Activation.SILU, true, true));
  }

  @Test
  void aGateAllocatesNothingOnceCompiled() {
    // One worker: what a call allocates, this thread does.
    try (Sinter alone = Sinter.open(SinterOptions.defaults().withThreads(1));
        Linear linear =
            Linear.gated(
                alone,
                weights("w8a8", N),
                weights("w8a8", N),
                null,
                null,
                Activation.SILU,
                ActivationScheme.U8_PER_TOKEN)) {
      MemorySegment x = inputs(13);
      MemorySegment y = arena.allocate(4L * 13 * N, 64);
      Allocation.assertNone(linear.explain(), () -> linear.forward(x, 13, y));
    }
  }

  private Linear gated(CompressedTensor gate, CompressedTensor up, float[] a, float[] b) {
    return Linear.gated(sinter, gate, up, a, b, Activation.SILU, ActivationScheme.FLOAT);
  }

  private static Dense named(String name, Dense w) {
    return new Dense(name, w.rows(), w.columns(), w.dtype(), w.data());
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private static ActivationScheme activations(String scheme) {
    return scheme.equals(ZERO_POINTS)
        ? ActivationScheme.U8_PER_TOKEN
        : Scheme.of(scheme).activations();
  }

  private CompressedTensor weights(String scheme, int n) {
    if (scheme.equals("f32")) {
      return dense(n);
    }
    if (!scheme.equals(ZERO_POINTS)) {
      return Quantizer.quantize(dense(n), Scheme.of(scheme).codes(), arena);
    }
    CodeFormat groups = CodeFormat.inGroups(4, 128);
    Quantized plain = Quantizer.quantize(dense(n), groups, arena);
    byte[] zeroPoints = new byte[plain.scales().length];
    for (int i = 0; i < zeroPoints.length; i++) {
      zeroPoints[i] = (byte) random.integer(0, 16);
    }
    CodeFormat format = new CodeFormat(groups.code(), groups.granularity(), groups.group(), true);
    return new Quantized("w", n, K, format, plain.codes(), plain.scales(), zeroPoints);
  }

  private Dense dense(int n) {
    MemorySegment data = arena.allocate(4L * n * K, 64);
    random.fill(data, 0.1f);
    return new Dense("w", n, K, DType.F32, data);
  }

  private MemorySegment inputs(int m) {
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    return x;
  }

  private MemorySegment forward(Linear linear, MemorySegment x, int m) {
    MemorySegment y = arena.allocate(4L * m * linear.spec().n(), 64);
    linear.forward(x, m, y);
    return y;
  }

  private MemorySegment product(MemorySegment a, MemorySegment b) {
    MemorySegment product = arena.allocate(a.byteSize(), 64);
    for (long i = 0; i < a.byteSize() / 4; i++) {
      product.setAtIndex(JAVA_FLOAT, i, a.getAtIndex(JAVA_FLOAT, i) * b.getAtIndex(JAVA_FLOAT, i));
    }
    return product;
  }
}
