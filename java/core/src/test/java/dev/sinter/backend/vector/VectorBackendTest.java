package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.Activation;
import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.CachedAttentionKernel;
import dev.sinter.backend.CachedAttentionSpec;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.KvLayout;
import dev.sinter.backend.KvType;
import dev.sinter.backend.MatmulKernel;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CodeFormat;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Granularity;
import dev.sinter.tensor.Quantized;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import dev.sinter.testing.Allocation;
import dev.sinter.testing.GuardedMemory;
import dev.sinter.testing.GuardedPages;
import dev.sinter.testing.JavaProcess;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class VectorBackendTest {
  private static final NormSpec NORM = new NormSpec(2, 5);
  private static final MatmulSpec MATMUL =
      new MatmulSpec(1, 1, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);

  @Test
  void answersForEveryOperation() {
    VectorBackend backend = new VectorBackend(1, 0);
    for (OpSpec spec :
        List.of(
            MATMUL,
            NORM,
            new AttentionSpec(1, 1, 1),
            new CachedAttentionSpec(2, 1, 8, KvType.INT8),
            new QuantizeSpec(1, ActivationScheme.S8_PER_TOKEN),
            new QuantizeSpec(40, ActivationScheme.U8_PER_TOKEN, false, 32))) {
      assertTrue(backend.supports(spec).supported(), spec.toString());
    }
  }

  @Test
  void kernelsHaveTheForcedWidth() {
    for (int bits : Widths.ofThisHost()) {
      VectorBackend backend = new VectorBackend(1, bits);
      try (NormKernel kernel = backend.norm(NORM, new float[2], new float[2])) {
        assertEquals("NormVector:" + bits, kernel.implementation());
      }
    }
    int[] widths = Widths.ofThisHost();
    VectorBackend preferred = new VectorBackend(1, 0);
    try (NormKernel kernel = preferred.norm(NORM, new float[2], new float[2])) {
      int widest = widths[widths.length - 1];
      assertEquals("NormVector:" + widest, kernel.implementation());
    }
  }

  @Test
  void refusesOtherArguments() {
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(0, 0));
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(1, 64));
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(1, -128));
  }

  /**
   * One JVM a width, as in production: where the compiler has seen two widths pass through the
   * shared code of the Vector API, it now and then leaves vectors on the heap for good.
   */
  @Test
  void noCallAllocatesOnceCompiled() throws Exception {
    for (int bits : Widths.ofThisHost()) {
      String text =
          JavaProcess.run(
              List.of("--add-modules=jdk.incubator.vector"),
              300,
              NoAllocation.class,
              Integer.toString(bits));
      assertTrue(text.endsWith("20 kernels allocate nothing\n"), text);
    }
  }

  /** Runs in a JVM of its own. */
  static final class NoAllocation {
    private static final int K = 389;
    private static final int N = 150;

    private NoAllocation() {}

    public static void main(String[] args) {
      VectorBackend backend = new VectorBackend(1, Integer.parseInt(args[0]));
      QuantizeSpec u8 = new QuantizeSpec(K, ActivationScheme.U8_PER_TOKEN);
      Epilogue epilogue = new Epilogue(true, Activation.GELU_ERF, true);
      try (Arena arena = Arena.ofShared()) {
        MemorySegment x = arena.allocate(JAVA_FLOAT, 5 * K);
        MemorySegment y = arena.allocate(JAVA_FLOAT, 5 * K);
        for (int i = 0; i < K; i++) { // the other rows stay 0
          x.setAtIndex(JAVA_FLOAT, i, i - 99);
        }
        Dense dense = new Dense("w", N, K, DType.F32, arena.allocate(4L * N * K));
        Quantized quantized =
            new Quantized(
                "w", N, K, 8, Granularity.CHANNEL, arena.allocate((long) N * K), new float[N]);
        NormKernel norm = backend.norm(new NormSpec(K, 1), new float[K], new float[K]);
        NormSpec rmsSpec = new NormSpec(NormSpec.Kind.RMS, K, 1, null);
        NormKernel rms = backend.norm(rmsSpec, new float[K], new float[K]);
        QuantizeKernel quantize = backend.quantize(u8);
        AttentionKernel attention = backend.attention(new AttentionSpec(2, 20, 19));
        MatmulSpec f32 = MatmulSpec.of(dense, ActivationScheme.FLOAT, epilogue);
        MatmulSpec w8a8 = MatmulSpec.of(quantized, u8.scheme(), epilogue);
        MatmulKernel floats = backend.matmul(f32, dense, new float[N]);
        MatmulKernel int8 = backend.matmul(w8a8, quantized, new float[N]);
        CodeFormat groups = CodeFormat.inGroups(4, 32);
        Quantized nibbles =
            new Quantized(
                "w",
                N,
                K,
                groups,
                arena.allocate(N * groups.rowBytes(K)),
                new float[groups.scales(N, K)],
                null);
        MatmulSpec w4a8 = MatmulSpec.of(nibbles, u8.scheme(), epilogue);
        MatmulKernel int4 = backend.matmul(w4a8, nibbles, new float[N]);
        MatmulSpec w4a16 = MatmulSpec.of(nibbles, ActivationScheme.FLOAT, epilogue);
        MatmulKernel weightOnly = backend.matmul(w4a16, nibbles, new float[N]);
        QuantizeSpec u8InSteps = new QuantizeSpec(K, u8.scheme(), false, int4.sumStep());
        QuantizeKernel quantizeInSteps = backend.quantize(u8InSteps);
        MatmulSpec gate =
            MatmulSpec.of(quantized, u8.scheme(), Epilogue.gate(true, Activation.SILU));
        MatmulKernel gated = backend.matmul(gate, quantized, new float[N]);
        MemorySegment some = arena.allocate(4L * N * K);
        some.asSlice(0, (long) N * K).fill((byte) 1); // of floats the first quarter of the rows
        Sparse half = new Sparse(Sparsity.UNSTRUCTURED, new Dense("w", N, K, DType.F32, some));
        MatmulSpec sparseF32 = MatmulSpec.of(half, ActivationScheme.FLOAT, epilogue);
        MatmulKernel sparseFloats = backend.matmul(sparseF32, half, new float[N]);
        Sparse bytes =
            new Sparse(
                Sparsity.UNSTRUCTURED,
                new Quantized(
                    "w",
                    N,
                    K,
                    8,
                    Granularity.CHANNEL,
                    some.asSlice(0, (long) N * K),
                    new float[N]));
        MatmulSpec sparseW8a8 = MatmulSpec.of(bytes, u8.scheme(), epilogue);
        MatmulKernel sparseInt8 = backend.matmul(sparseW8a8, bytes, new float[N]);
        ActivationBuffer rows = ActivationBuffer.floats(x, 5, K);
        ActivationBuffer codes =
            ActivationBuffer.allocate(arena, u8.scheme(), 5, K, int8.codeColumns());
        ActivationBuffer codesInSteps =
            ActivationBuffer.allocate(arena, u8InSteps, 5, int4.codeColumns());
        Allocation.assertNone("norm", () -> norm.run(x, y, 0, 2));
        Allocation.assertNone("RMS norm", () -> rms.run(x, y, 0, 2));
        Allocation.assertNone("quantize", () -> quantize.run(x, codes, 0, 2));
        Allocation.assertNone("steps", () -> quantizeInSteps.run(x, codesInSteps, 0, 2));
        Allocation.assertNone("attention", () -> attention.run(0, x, x, x, 40, y, 0, 19, 1));
        CachedAttentionSpec cachedSpec = new CachedAttentionSpec(4, 2, 24, KvType.BF16);
        CachedAttentionKernel cached = backend.cachedAttention(cachedSpec);
        KvLayout layout = new KvLayout(1, 2, 24, KvType.BF16);
        try (GuardedMemory memory = new GuardedMemory()) {
          GuardedPages pages = new GuardedPages(memory, layout, 300);
          Allocation.assertNone(
              "cached attention", () -> cached.run(0, x, 0, 2, 298, 1, pages, 0, y));
        }
        for (int m : new int[] {1, 5}) {
          Allocation.assertNone("f32, m=" + m, () -> floats.run(0, 1, m, rows, y));
          Allocation.assertNone("sparse f32, m=" + m, () -> sparseFloats.run(0, 0, m, rows, y));
          Allocation.assertNone("sparse w8a8, m=" + m, () -> sparseInt8.run(0, 0, m, codes, y));
          Allocation.assertNone("w4a16, m=" + m, () -> weightOnly.run(0, 1, m, rows, y));
          Allocation.assertNone("w8a8, m=" + m, () -> int8.run(0, 1, m, codes, y));
          Allocation.assertNone("gate, m=" + m, () -> gated.run(0, 0, m, codes, y));
          Allocation.assertNone("w4a8, m=" + m, () -> int4.run(0, 1, m, codesInSteps, y));
        }
      }
      System.out.println("20 kernels allocate nothing");
    }
  }

  @Test
  void withoutTheModuleItGivesItsReasonAndTheReferenceRuns() throws Exception {
    String text = JavaProcess.run(List.of(), 60, WithoutModule.class);
    String reason =
        "module jdk.incubator.vector is missing: start the JVM with"
            + " --add-modules jdk.incubator.vector";
    List<String> expected =
        List.of(
            reason,
            reason,
            "the vector backend cannot run: " + reason,
            "the vector backend cannot run: " + reason,
            Arrays.toString(new float[] {-2, 5}));
    assertEquals(expected, text.lines().toList());
  }

  /** Runs in a JVM without the incubator module. */
  static final class WithoutModule {
    private WithoutModule() {}

    public static void main(String[] args) {
      VectorBackend backend = new VectorBackend(1, 512);
      Support support = backend.supports(NORM);
      assertFalse(support.supported());
      System.out.println(support.reason());
      System.out.println(backend.supports(MATMUL).reason());
      float[] gamma = {3, 6};
      float[] beta = {0, 1};
      var e = assertThrows(IllegalArgumentException.class, () -> backend.norm(NORM, gamma, beta));
      System.out.println(e.getMessage());
      e = assertThrows(IllegalArgumentException.class, () -> backend.matmul(MATMUL, null, null));
      System.out.println(e.getMessage());
      try (Arena arena = Arena.ofConfined();
          NormKernel kernel = new ReferenceBackend().norm(NORM, gamma, beta)) {
        MemorySegment x = arena.allocateFrom(JAVA_FLOAT, 1, 5);
        kernel.run(x, x, 0, 1);
        System.out.println(Arrays.toString(x.toArray(JAVA_FLOAT)));
      }
    }
  }
}
