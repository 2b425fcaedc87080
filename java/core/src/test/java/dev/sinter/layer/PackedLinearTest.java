package dev.sinter.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.backend.Activation;
import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.compress.Quantizer;
import dev.sinter.layout.PackedWeights;
import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.NativeBuild;
import dev.sinter.testing.TestRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

/** Layers over weights that were packed before. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class PackedLinearTest {
  private static final int M = 5;

  /** CRC-32C of name and bytes. */
  private static final String EXPECTED =
      """
      {bf16=29da5c5c
      bf16 gate=34c2d855
      binary=be4534b7
      binary gate=2b4ebc15
      f32=caaee106
      f32 gate=99f091af
      ternary=404f8741
      ternary gate=bba7410d
      w4a16=3a99f1bf
      w4a16 gate=fea819f8
      w4a8=bd165db7
      w4a8 gate=fe82751d
      w8a16=b36bba36
      w8a16 gate=a2c6f50c
      w8a8=6a580780
      w8a8 gate=0575ccd2}""";

  private final TestRandom random = new TestRandom();
  private final Arena arena = Arena.ofShared();
  private final Sinter sinter =
      Sinter.open(SinterOptions.defaults().withThreads(2).withPlan("off").withBackend("cpu"));

  @AfterEach
  void close() {
    sinter.close();
    arena.close();
  }

  private record Case(CompressedTensor weights, float[] bias, MatmulSpec spec) {}

  private List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    int[][] sizes = {{34, 192}, {48, 384}, {7, 66}, {2, 32}};
    for (Scheme scheme : Scheme.DEFAULTS) {
      for (int[] size : sizes) {
        int rows = size[0];
        CompressedTensor weights = compress(scheme, dense(rows, size[1]));
        List<ActivationScheme> activations = new ArrayList<>(List.of(scheme.activations()));
        if (scheme.kind() == Scheme.Kind.BF16) {
          activations.add(ActivationScheme.FLOAT);
        } else if (scheme.kind() == Scheme.Kind.W4A8) {
          activations.add(ActivationScheme.U8_PER_GROUP_32);
        }
        for (ActivationScheme a : activations) {
          cases.add(of(weights, null, a, Epilogue.NONE));
          float[] bias = random.normals(rows, 1);
          cases.add(of(weights, bias, a, new Epilogue(true, Activation.SILU, true)));
          if (rows % 2 == 0) {
            cases.add(of(weights, bias, a, Epilogue.gate(true, Activation.SILU)));
            cases.add(of(weights, null, a, Epilogue.gate(false, Activation.GELU_TANH)));
          }
        }
      }
    }
    return cases;
  }

  private static Case of(
      CompressedTensor weights, float[] bias, ActivationScheme activations, Epilogue epilogue) {
    return new Case(weights, bias, MatmulSpec.of(weights, activations, epilogue));
  }

  private CompressedTensor compress(Scheme scheme, Dense dense) {
    return switch (scheme.kind()) {
      case F32 -> dense;
      case BF16 -> dense.toBf16(arena);
      default -> Quantizer.quantize(dense, scheme.codes(), arena);
    };
  }

  private Dense dense(int rows, int columns) {
    return new Dense("w", rows, columns, DType.F32, floats(rows * columns));
  }

  private MemorySegment floats(int count) {
    MemorySegment values = arena.allocate(4L * count, 64);
    values.copyFrom(MemorySegment.ofArray(random.normals(count, 1)));
    return values;
  }

  private MemorySegment copy(MemorySegment data) {
    MemorySegment copy = arena.allocate(data.byteSize(), 64);
    copy.copyFrom(data);
    return copy.asReadOnly();
  }

  @Test
  void areTheSameBitForBit() {
    List<Case> cases = cases();
    for (Case c : cases) {
      String what = c.spec() + random.toString();
      MemorySegment x = floats(M * c.spec().k());
      MemorySegment y = floats(M * c.spec().n());
      MemorySegment again = arena.allocate(y.byteSize(), 64).copyFrom(y);
      try (Linear first =
          Linear.of(sinter, c.weights(), c.bias(), c.spec().activations(), c.spec().epilogue())) {
        PackedWeights packed = first.packed();
        assertNotNull(packed, what);
        assertEquals(c.spec(), first.spec(), what);
        PackedWeights kept = new PackedWeights(packed.layout(), copy(packed.data()));
        Backend cpu = sinter.planner().choose(c.spec()).backend();
        assertTrue(cpu.takes(c.spec(), kept), what);
        first.forward(x, M, y);
        try (Linear second = Linear.of(sinter, c.spec(), kept, c.bias())) {
          second.forward(x, M, again);
          assertEquals(-1, y.mismatch(again), what);
          assertEquals(first.explain(), second.explain());
          assertEquals(first.bytes(), second.bytes(), what);
          assertEquals(-1, second.packed().data().mismatch(packed.data()), what);
        }
      }
    }
    assertTrue(cases.size() > 100, cases.size() + " cases");
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Case c =
        of(
            compress(Scheme.W4A8, dense(32, 256)),
            null,
            ActivationScheme.U8_PER_TOKEN,
            Epilogue.NONE);
    try (Linear linear =
        Linear.of(sinter, c.weights(), (float[]) null, ActivationScheme.U8_PER_TOKEN)) {
      PackedWeights right = linear.packed();
      MemorySegment data = right.data();
      MemorySegment more = arena.allocate(data.byteSize() + 128, 64);
      Backend cpu = sinter.planner().choose(c.spec()).backend();
      MatmulSpec floats =
          new MatmulSpec(256, 32, DType.F32, null, ActivationScheme.FLOAT, Epilogue.NONE);
      assertTrue(cpu.takes(c.spec(), right));
      for (PackedWeights wrong :
          List.of(
              new PackedWeights("panels", data),
              new PackedWeights(right.layout(), data.asSlice(0, data.byteSize() - 1)),
              new PackedWeights(right.layout(), more),
              new PackedWeights(right.layout(), more.asSlice(8, data.byteSize())),
              new PackedWeights(
                  right.layout(), MemorySegment.ofArray(new byte[(int) data.byteSize()])))) {
        assertTrue(!cpu.takes(c.spec(), wrong));
        assertThrows(
            IllegalArgumentException.class, () -> Linear.of(sinter, c.spec(), wrong, null));
      }
      assertTrue(!cpu.takes(floats, right));
      assertThrows(
          IllegalArgumentException.class,
          () -> Linear.of(sinter, c.spec(), right, new float[32]),
          "a bias that the epilogue has not");
    }
  }

  @Test
  void otherBackendsTakeNone() {
    for (String backend : new String[] {"vector", "reference"}) {
      try (Sinter other = Sinter.open(SinterOptions.defaults().withBackend(backend));
          Linear linear =
              Linear.of(
                  other,
                  compress(Scheme.W8A8, dense(32, 64)),
                  (float[]) null,
                  ActivationScheme.U8_PER_TOKEN)) {
        assertNull(linear.packed(), backend);
      }
    }
  }

  /**
   * What is packed today must be what was packed when the names of the layouts and {@code
   * PackedCache.REVISION} were last changed: caches of users hold it. If this fails because weights
   * are quantized or packed in another way now, change those, and then the sums here.
   */
  @Test
  void layoutsAreWhatTheirNamesSay() {
    Map<String, String> found = new TreeMap<>();
    for (Scheme scheme : Scheme.DEFAULTS) {
      float[] values = new float[40 * 288];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * 37 % 211 - 105) / 128f * (1 + i % 7);
      }
      MemorySegment data = arena.allocate(4L * values.length, 64);
      MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
      CompressedTensor weights = compress(scheme, new Dense("w", 40, 288, DType.F32, data));
      for (boolean gate : new boolean[] {false, true}) {
        Epilogue epilogue = gate ? Epilogue.gate(false, Activation.SILU) : Epilogue.NONE;
        ActivationScheme activations = // a CPU with instructions for bf16 has others for BF16
            scheme.kind() == Scheme.Kind.BF16 ? ActivationScheme.FLOAT : scheme.activations();
        try (Linear linear = Linear.of(sinter, weights, null, activations, epilogue)) {
          CRC32C sum = new CRC32C();
          sum.update(linear.packed().layout().getBytes(StandardCharsets.UTF_8));
          sum.update(linear.packed().data().asByteBuffer());
          found.put(
              scheme.id() + (gate ? " gate" : ""),
              HexFormat.of().toHexDigits((int) sum.getValue()));
        }
      }
    }
    assertEquals(EXPECTED, found.toString().replace(", ", "\n"));
  }
}
