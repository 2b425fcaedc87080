package dev.sinter.layer;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.compress.Quantizer;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.ColumnOrder;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.testing.Allocation;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LinearTest {
  private static final int K = 384;
  private static final int N = 384;

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final Sinter sinter = Sinter.open(SinterOptions.defaults().withThreads(2));

  @AfterEach
  void close() {
    sinter.close();
    arena.close();
  }

  /** A primitive or a scratchpad that two threads share gives wrong numbers now and then. */
  @ParameterizedTest
  @EnumSource(
      value = ActivationScheme.class,
      names = {"FLOAT", "U8_PER_TOKEN"})
  void eightCallersOfOneLayerForTenSecondsGetTheirOwnResults(ActivationScheme activations)
      throws Exception {
    int callers = 8;
    long end = System.nanoTime() + 10_000_000_000L;
    try (Linear linear = Linear.of(sinter, weights(activations), bias(), activations);
        ExecutorService threads = Executors.newFixedThreadPool(callers)) {
      List<Future<Long>> done = new ArrayList<>();
      for (int c = 0; c < callers; c++) {
        int m = 1 + 13 * c;
        MemorySegment x = arena.allocate(4L * m * K, 64);
        random.fill(x, 1);
        MemorySegment expected = arena.allocate(4L * m * N, 64);
        MemorySegment y = arena.allocate(4L * m * N, 64);
        linear.forward(x, m, expected);
        Callable<Long> caller =
            () -> {
              long calls = 0;
              for (; System.nanoTime() < end; calls++) {
                y.fill((byte) 0xA5);
                linear.forward(x, m, y);
                assertEquals(-1, expected.mismatch(y), "call " + calls + ", m=" + m);
              }
              return calls;
            };
        done.add(threads.submit(caller));
      }
      for (Future<Long> f : done) {
        assertTrue(f.get() > 100, "a caller starved: " + f.get() + " calls");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ActivationScheme.class,
      names = {"FLOAT", "U8_PER_TOKEN"})
  void forwardAllocatesNothingOnceCompiled(ActivationScheme activations) {
    allocatesNothing(weights(activations), activations);
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void groupsAllocateNothingOnceCompiled() {
    allocatesNothing(
        Quantizer.roundToNearest(dense(), CodeFormat.inGroups(4, 128), arena),
        ActivationScheme.U8_PER_TOKEN);
    allocatesNothing(
        Quantizer.roundToNearest(dense(), CodeFormat.inGroups(4, 128), arena),
        ActivationScheme.S8_PER_GROUP_32);
    allocatesNothing(
        Quantizer.roundToNearest(dense(), CodeFormat.inGroups(4, 128), arena),
        ActivationScheme.BF16);
  }

  private void allocatesNothing(CompressedTensor weights, ActivationScheme activations) {
    // One worker: what a call allocates, this thread does.
    try (Sinter alone = Sinter.open(SinterOptions.defaults().withThreads(1));
        Linear linear = Linear.of(alone, weights, bias(), activations)) {
      MemorySegment x = arena.allocate(4L * 13 * K, 64);
      MemorySegment y = arena.allocate(4L * 13 * N, 64);
      random.fill(x, 1);
      Allocation.assertNone(linear.explain(), () -> linear.forward(x, 13, y));
    }
  }

  /** Without omp_set_num_threads(1) every calling thread would get an OpenMP team. */
  @Test
  void oneDnnStartsNoThreadsOfItsOwn() throws Exception {
    try (Linear linear =
        Linear.of(sinter, weights(ActivationScheme.FLOAT), bias(), ActivationScheme.FLOAT)) {
      int m = 512;
      MemorySegment x = arena.allocate(4L * m * K, 64);
      MemorySegment y = arena.allocate(4L * m * N, 64);
      Callable<long[]> calls =
          () -> {
            for (int i = 0; i < 20; i++) {
              linear.forward(x, m, y);
            }
            // A thread that OpenMP starts is a copy of the one that called, and carries its name.
            return new long[] {threadsNamed("lone-caller"), threadsNamed("sinter-worker")};
          };
      try (var caller =
          Executors.newSingleThreadExecutor(Thread.ofPlatform().name("lone-caller").factory())) {
        assertArrayEquals(new long[] {1, 1}, caller.submit(calls).get());
      }
    }
  }

  private static long threadsNamed(String prefix) throws Exception {
    try (var tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks
          .filter(
              t -> {
                try {
                  return Files.readString(t.resolve("comm")).startsWith(prefix);
                } catch (java.io.IOException gone) {
                  return false;
                }
              })
          .count();
    }
  }

  @Test
  void longInputsGoInChunksWithTheSameBits() {
    ActivationScheme activations = ActivationScheme.U8_PER_TOKEN;
    try (Linear linear = Linear.of(sinter, weights(activations), bias(), activations)) {
      int m = 4200;
      MemorySegment x = arena.allocate(4L * m * K, 64);
      random.fill(x, 1);
      MemorySegment all = arena.allocate(4L * m * N, 64);
      linear.forward(x, m, all);
      MemorySegment row = arena.allocate(4L * N, 64);
      for (int r : new int[] {0, 4095, 4096, 4097, 4199}) {
        linear.forward(x.asSlice(4L * r * K, 4L * K), 1, row);
        for (int n = 0; n < N; n++) {
          float inAll = all.getAtIndex(JAVA_FLOAT, (long) r * N + n);
          float alone = row.getAtIndex(JAVA_FLOAT, n);
          assertEquals(inAll, alone, 1e-4f, "row " + r + " column " + n + " " + random);
        }
      }
    }
  }

  @Test
  void badArgumentsAreNamed() {
    Linear linear =
        Linear.of(sinter, weights(ActivationScheme.FLOAT), bias(), ActivationScheme.FLOAT);
    MemorySegment x = arena.allocate(4L * 2 * K, 64);
    MemorySegment y = arena.allocate(4L * 2 * N, 64);
    expect("m must be at least 1, got 0", () -> linear.forward(x, 0, y));
    expect("x has", () -> linear.forward(x, 3, y));
    expect("y has", () -> linear.forward(x, 2, y.asSlice(64)));
    expect(
        "x must be off-heap", () -> linear.forward(MemorySegment.ofArray(new float[2 * K]), 2, y));
    expect("aligned", () -> linear.forward(x.asSlice(4), 1, y));
    expect(
        "bias has 3 values",
        () ->
            Linear.of(
                sinter, weights(ActivationScheme.FLOAT), new float[3], ActivationScheme.FLOAT));
    linear.close();
    linear.close();
    assertThrows(IllegalStateException.class, () -> linear.forward(x, 2, y));
  }

  @Test
  void aClosedSinterIsAnErrorNotACrash() {
    Linear linear =
        Linear.of(sinter, weights(ActivationScheme.FLOAT), bias(), ActivationScheme.FLOAT);
    MemorySegment x = arena.allocate(4L * K, 64);
    MemorySegment y = arena.allocate(4L * N, 64);
    sinter.close();
    assertThrows(IllegalStateException.class, () -> linear.forward(x, 1, y));
    linear.close();
  }

  @Test
  void explainNamesTheKernelAndTheOthers() {
    ActivationScheme activations = ActivationScheme.U8_PER_TOKEN;
    try (Linear linear = Linear.of(sinter, weights(activations), bias(), activations)) {
      String text = linear.explain();
      String chosen = NativeBuild.isOff() ? "onednn" : "cpu";
      assertTrue(text.contains("runs on " + chosen + ": "), text);
      assertTrue(text.contains("not reference: comes after " + chosen), text);
      assertTrue(text.contains("quantize rows of 384 to U8_PER_TOKEN"), text);
    }
  }

  @Test
  void fourBitsAreExplainedAndRunWithinTheirError() {
    Dense dense = dense();
    ActivationScheme u8 = ActivationScheme.U8_PER_TOKEN;
    CompressedTensor codes = Quantizer.roundToNearest(dense, CodeFormat.inGroups(4, 128), arena);
    int m = 5;
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    MemorySegment exact = arena.allocate(4L * m * N, 64);
    MemorySegment y = arena.allocate(4L * m * N, 64);
    try (Linear four = Linear.of(sinter, codes, (float[]) null, u8);
        Linear floats = Linear.of(sinter, dense, (float[]) null, ActivationScheme.FLOAT)) {
      String text = four.explain();
      assertTrue(text.contains("weights I4 in groups of 128, activations U8_PER_TOKEN"), text);
      assertTrue(text.contains("not onednn: "), text);
      assertTrue(NativeBuild.isOff() || text.contains("summed by 128"), text);
      four.forward(x, m, y);
      floats.forward(x, m, exact);
    }
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < m * N; i++) {
      double wanted = exact.getAtIndex(JAVA_FLOAT, i);
      signal += wanted * wanted;
      noise += Math.pow(y.getAtIndex(JAVA_FLOAT, i) - wanted, 2);
    }
    // A step of amax / 7 with amax near 2.7 deviations: about 19 dB of a normal distribution.
    assertTrue(noise < signal / 30, noise + " of " + signal + " " + random);
  }

  /** Codes with bfloat16 activations: what rounding those costs, and the roundings of the sums. */
  @ParameterizedTest
  @CsvSource({"8, 0", "4, 0", "4, 32", "4, 128"})
  void codesRunWithBf16Activations(int bits, int group) {
    CodeFormat format = group == 0 ? CodeFormat.perChannel(bits) : CodeFormat.inGroups(bits, group);
    CompressedTensor codes = Quantizer.roundToNearest(dense(), format, arena);
    Dense exact = decoded(codes);
    int m = 5;
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    MemorySegment y = arena.allocate(4L * m * N, 64);
    try (Linear linear = Linear.of(sinter, codes, (float[]) null, ActivationScheme.BF16)) {
      String text = linear.explain();
      String kernel = NativeBuild.isOff() ? "matmul_reference" : "sinter_weight_only_bf16_gemm_";
      assertTrue(text.contains(kernel), text);
      assertTrue(text.contains("activations BF16"), text);
      linear.forward(x, m, y);
    }
    for (int row = 0; row < m; row++) {
      for (int n = 0; n < N; n++) {
        double sum = 0;
        double magnitude = 0;
        for (int k = 0; k < K; k++) {
          double product =
              (double) x.getAtIndex(JAVA_FLOAT, (long) row * K + k)
                  * exact.data().getAtIndex(JAVA_FLOAT, (long) n * K + k);
          sum += product;
          magnitude += Math.abs(product);
        }
        double found = y.getAtIndex(JAVA_FLOAT, (long) row * N + n);
        double bound = magnitude * (0x1p-8 + 2 * K * 0x1p-24);
        assertEquals(sum, found, bound, "row " + row + " column " + n + " " + random);
      }
    }
  }

  /** One large column costs a whole row its accuracy, or a group. */
  @ParameterizedTest
  @CsvSource({
    "U8_PER_TOKEN, U8_PER_GROUP_32",
    "S8_PER_TOKEN, S8_PER_GROUP_32",
    "S8_PER_TOKEN, S8_PER_GROUP_128"
  })
  void activationsInGroupsKeepTheirAccuracyBesideOutliers(
      ActivationScheme token, ActivationScheme group) {
    CompressedTensor codes = Quantizer.roundToNearest(dense(), CodeFormat.inGroups(4, 128), arena);
    int m = 5;
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    for (int row = 0; row < m; row++) {
      x.setAtIndex(JAVA_FLOAT, (long) row * K + 7, 500);
    }
    MemorySegment exact = arena.allocate(4L * m * N, 64);
    Dense decoded = decoded(codes);
    try (Linear floats = Linear.of(sinter, decoded, (float[]) null, ActivationScheme.FLOAT)) {
      floats.forward(x, m, exact);
    }
    double noise = noise(codes, group, x, m, exact);
    assertTrue(noise < noise(codes, token, x, m, exact) / 1.5, noise + " " + random);
  }

  /** On activations that come in order already, codes do the same without knowing of it. */
  @ParameterizedTest
  @CsvSource({
    "8, 0, U8_PER_TOKEN",
    "8, 0, S8_PER_TOKEN",
    "4, 128, U8_PER_TOKEN",
    "4, 32, S8_PER_GROUP_128",
    "4, 128, U8_PER_GROUP_32"
  })
  void anOrderOfColumnsIsThatOfTheActivations(int bits, int group, ActivationScheme scheme) {
    CodeFormat format = group == 0 ? CodeFormat.perChannel(bits) : CodeFormat.inGroups(bits, group);
    Quantized plain = Quantizer.roundToNearest(dense(), format, arena);
    ColumnOrder order = new ColumnOrder(random.permutation(K));
    Quantized ordered =
        new Quantized("w", N, K, format, plain.codes(), plain.scales(), null, order);
    int m = 5;
    MemorySegment x = arena.allocate(4L * m * K, 64);
    random.fill(x, 1);
    MemorySegment inOrder = arena.allocate(4L * m * K, 64);
    for (int i = 0; i < m * K; i++) {
      float value = x.getAtIndex(JAVA_FLOAT, i / K * (long) K + order.column(i % K));
      inOrder.setAtIndex(JAVA_FLOAT, i, value);
    }
    MemorySegment expected = arena.allocate(4L * m * N, 64);
    MemorySegment y = arena.allocate(4L * m * N, 64);
    try (Linear one = Linear.of(sinter, plain, (float[]) null, scheme);
        Linear other = Linear.of(sinter, ordered, (float[]) null, scheme);
        Linear floats =
            Linear.of(sinter, decoded(ordered), (float[]) null, ActivationScheme.FLOAT)) {
      one.forward(inOrder, m, expected);
      other.forward(x, m, y);
      assertEquals(-1, expected.mismatch(y), other.explain() + " " + random);
      // And what the codes stand for is the matrix in its own order.
      floats.forward(x, m, expected);
      double signal = 0;
      double noise = 0;
      for (int i = 0; i < m * N; i++) {
        double wanted = expected.getAtIndex(JAVA_FLOAT, i);
        signal += wanted * wanted;
        noise += Math.pow(y.getAtIndex(JAVA_FLOAT, i) - wanted, 2);
      }
      assertTrue(noise < signal / 1000, noise + " of " + signal + " " + random);
    }
  }

  /** Codes of another order would give plausible numbers. */
  @Test
  void activationsInAnotherOrderAreRefused() {
    Quantized plain = (Quantized) weights(ActivationScheme.S8_PER_TOKEN);
    ColumnOrder order = new ColumnOrder(random.permutation(K));
    Quantized ordered =
        new Quantized("w", N, K, plain.format(), plain.codes(), plain.scales(), null, order);
    MemorySegment y = arena.allocate(4L * N, 64);
    try (Linear one = Linear.of(sinter, plain, (float[]) null, ActivationScheme.S8_PER_TOKEN);
        Linear other = Linear.of(sinter, ordered, (float[]) null, ActivationScheme.S8_PER_TOKEN)) {
      ActivationBuffer x = one.codes(arena, 1);
      expect("an order of 384", () -> other.operation("y", x, y, () -> 1).run(0, 0));
      ActivationBuffer ofOther = other.codes(arena, 1);
      expect("an order of 384", () -> one.operation("y", ofOther, y, () -> 1).run(0, 0));
    }
  }

  private Dense decoded(CompressedTensor codes) {
    MemorySegment data = arena.allocate(4L * N * K, 64);
    float[] row = new float[K];
    for (int n = 0; n < N; n++) {
      codes.decodeRow(n, row);
      MemorySegment.copy(row, 0, data, JAVA_FLOAT, 4L * n * K, K);
    }
    return new Dense("decoded", N, K, DType.F32, data);
  }

  private double noise(
      CompressedTensor codes,
      ActivationScheme scheme,
      MemorySegment x,
      int m,
      MemorySegment exact) {
    MemorySegment y = arena.allocate(4L * m * N, 64);
    try (Linear linear = Linear.of(sinter, codes, (float[]) null, scheme)) {
      assertTrue(linear.explain().contains("activations " + scheme), linear.explain());
      linear.forward(x, m, y);
    }
    double noise = 0;
    for (int i = 0; i < m * N; i++) {
      noise += Math.pow(y.getAtIndex(JAVA_FLOAT, i) - exact.getAtIndex(JAVA_FLOAT, i), 2);
    }
    return noise;
  }

  private static void expect(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private CompressedTensor weights(ActivationScheme activations) {
    return activations == ActivationScheme.FLOAT
        ? dense()
        : Quantizer.roundToNearest(dense(), 8, Granularity.CHANNEL, arena);
  }

  private Dense dense() {
    MemorySegment data = arena.allocate(4L * N * K, 64);
    random.fill(data, 0.05f);
    return new Dense("w", N, K, DType.F32, data);
  }

  private float[] bias() {
    return random.normals(N, 1);
  }
}
