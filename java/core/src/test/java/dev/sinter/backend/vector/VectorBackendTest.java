package dev.sinter.backend.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.backend.ActivationBuffer;
import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.OpSpec;
import dev.sinter.backend.QuantizeKernel;
import dev.sinter.backend.QuantizeSpec;
import dev.sinter.backend.Support;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.DType;
import dev.sinter.testing.Allocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class VectorBackendTest {
  private static final NormSpec NORM = new NormSpec(2, 5);

  @Test
  void answersForEveryOperation() {
    VectorBackend backend = new VectorBackend(1, 0);
    for (OpSpec spec :
        List.of(
            NORM, new AttentionSpec(1, 1, 1), new QuantizeSpec(1, ActivationScheme.S8_PER_TOKEN))) {
      assertTrue(backend.supports(spec).supported(), spec.toString());
    }
    MatmulSpec matmul =
        new MatmulSpec(1, 1, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);
    assertEquals(Support.no("there is no vector kernel for matmul"), backend.supports(matmul));
    assertThrows(IllegalArgumentException.class, () -> backend.matmul(matmul, null, null));
  }

  @Test
  void kernelsHaveTheForcedWidth() {
    for (int bits : Widths.ofThisHost()) {
      VectorBackend backend = new VectorBackend(1, bits);
      try (NormKernel kernel = backend.norm(NORM, new float[2], new float[2])) {
        assertEquals("LayerNormVector:" + bits, kernel.implementation());
      }
    }
    int[] widths = Widths.ofThisHost();
    VectorBackend preferred = new VectorBackend(1, 0);
    try (NormKernel kernel = preferred.norm(NORM, new float[2], new float[2])) {
      int widest = widths[widths.length - 1];
      assertEquals("LayerNormVector:" + widest, kernel.implementation());
    }
  }

  @Test
  void refusesOtherArguments() {
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(0, 0));
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(1, 64));
    assertThrows(IllegalArgumentException.class, () -> new VectorBackend(1, -128));
  }

  @Test
  void noCallAllocatesOnceCompiled() {
    for (int bits : Widths.ofThisHost()) {
      VectorBackend backend = new VectorBackend(1, bits);
      QuantizeSpec u8 = new QuantizeSpec(389, ActivationScheme.U8_PER_TOKEN);
      try (Arena arena = Arena.ofShared();
          NormKernel norm = backend.norm(new NormSpec(389, 1), new float[389], new float[389]);
          QuantizeKernel quantize = backend.quantize(u8);
          AttentionKernel attention = backend.attention(new AttentionSpec(2, 20, 19))) {
        MemorySegment x = arena.allocate(JAVA_FLOAT, 2 * 389);
        MemorySegment y = arena.allocate(JAVA_FLOAT, 2 * 389);
        for (int i = 0; i < 389; i++) { // the second row stays 0
          x.setAtIndex(JAVA_FLOAT, i, i - 99);
        }
        ActivationBuffer codes = ActivationBuffer.allocate(arena, u8.scheme(), 2, u8.width(), 400);
        Allocation.assertNone(bits + " bits, norm", () -> norm.run(x, y, 0, 2));
        Allocation.assertNone(bits + " bits, quantize", () -> quantize.run(x, codes, 0, 2));
        Allocation.assertNone(
            bits + " bits, attention", () -> attention.run(0, x, x, x, 40, y, 0, 19, 1));
      }
    }
  }

  @Test
  void withoutTheModuleItGivesItsReasonAndTheReferenceRuns() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                WithoutModule.class.getName())
            .redirectErrorStream(true)
            .start();
    byte[] output = process.getInputStream().readAllBytes();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the JVM does not end");
    String text = new String(output, StandardCharsets.UTF_8);
    assertEquals(0, process.exitValue(), text);
    String reason =
        "module jdk.incubator.vector is missing: start the JVM with"
            + " --add-modules jdk.incubator.vector";
    List<String> expected =
        List.of(
            reason,
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
      float[] gamma = {3, 6};
      float[] beta = {0, 1};
      var e = assertThrows(IllegalArgumentException.class, () -> backend.norm(NORM, gamma, beta));
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
