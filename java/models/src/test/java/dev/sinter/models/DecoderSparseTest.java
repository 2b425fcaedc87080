package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointFiles;
import dev.sinter.checkpoint.CheckpointWriter;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.RawTensor;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.NativeBuild;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoders whose layers are pruned when they are loaded. */
class DecoderSparseTest {
  private static final int[] IDS = {3, 14, 15, 92, 65, 35, 89, 79, 32};

  /** Parts of the spread of the logits, as for the golden decoders. */
  private static final double BOUND = 1e-4;

  /** The same where activations are rounded, and one between two codes may go to either. */
  private static final double NOISE_CODES = 0.1;

  @TempDir private static Path shared;

  @TempDir private Path scratch;

  @BeforeAll
  static void write() {
    SyntheticDecoder.write("tiny", 64, 3, shared.resolve("tiny"), Progress.none());
  }

  private static SinterOptions options() {
    return SinterOptions.defaults()
        .withThreads(2)
        .withPlan("off")
        .withPackedCache(SinterOptions.NO_PACKED_CACHE);
  }

  private static DecoderOptions with(String attention, String mlp) {
    DecoderScheme scheme =
        new DecoderScheme(LayerCompression.of(attention), LayerCompression.of(mlp), null, null);
    return DecoderOptions.of(Scheme.F32).withScheme(scheme);
  }

  private record Loaded(
      float[] logits, DecoderModel.Sparseness sparseness, String explained, long bytes) {}

  private static Loaded load(SinterOptions sinterOptions, Path model, DecoderOptions options) {
    try (Sinter sinter = Sinter.open(sinterOptions);
        DecoderModel decoder = DecoderModel.load(sinter, model, options, Progress.none());
        DecoderSession session = decoder.open()) {
      session.prefill(IDS);
      StringBuilder explained = new StringBuilder();
      decoder.layers().forEach(layer -> explained.append(decoder.explain(layer)).append('\n'));
      return new Loaded(
          session.logits().clone(), decoder.sparseness(), explained.toString(), decoder.bytes());
    }
  }

  /** A checkpoint that has the zeros already, chosen here, matrix by matrix. */
  private Path pruned(String attention, String mlp) throws IOException {
    Path from = shared.resolve("tiny");
    Path to = Files.createDirectories(scratch.resolve("pruned"));
    for (String file : List.of("config.json", "tokenizer.json")) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
    try (Arena arena = Arena.ofShared();
        Checkpoint checkpoint =
            CheckpointFiles.open(CheckpointFiles.inFolder(from).orElseThrow())) {
      List<RawTensor> tensors = new ArrayList<>();
      int changed = 0;
      for (String name : checkpoint.names()) {
        RawTensor tensor = checkpoint.tensor(name);
        String how = name.contains(".self_attn.") ? attention : mlp;
        boolean layer = name.contains("_proj.weight");
        if (layer && LayerCompression.of(how).pruning() != null) {
          Dense zeros =
              (Dense) LayerCompression.of(how).pruning().apply(Dense.of(tensor), arena).values();
          assertFalse(Arrays.equals(tensor.toFloats(), floats(zeros)), name);
          tensor = new RawTensor(name, zeros.dtype(), tensor.shape(), zeros.data());
          changed++;
        }
        tensors.add(tensor);
      }
      assertTrue(changed >= 6, changed + " matrices");
      CheckpointWriter.write(to.resolve("model.safetensors"), tensors, Map.of());
    }
    return to;
  }

  private static float[] floats(Dense dense) {
    float[] all = new float[dense.rows() * dense.columns()];
    float[] row = new float[dense.columns()];
    for (int i = 0; i < dense.rows(); i++) {
      dense.decodeRow(i, row);
      System.arraycopy(row, 0, all, i * row.length, row.length);
    }
    return all;
  }

  private static double error(float[] right, float[] found) {
    double sum = 0;
    double squares = 0;
    double worst = 0;
    for (int i = 0; i < right.length; i++) {
      sum += right[i];
      squares += (double) right[i] * right[i];
      double difference = Math.abs(right[i] - found[i]);
      worst = difference <= worst ? worst : difference; // NaN stays
    }
    double mean = sum / right.length;
    return worst / Math.sqrt(squares / right.length - mean * mean);
  }

  private static String plain(String id) {
    return LayerCompression.of(id).scheme().id();
  }

  /** The float64 reference has the same zeros from the file, and multiplies by all of them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "f32+16x4@0.5",
        "f32+8x4@0.75",
        "f32+2:4",
        "f32+unstructured@0.7",
        "f32+3x5@0.5",
        "w4a16:32+2:4",
        "w8a8+16x4@0.5",
        "w8a8+2:4",
        "w8a8+unstructured@0.5",
        "w4a8:32+16x8@0.5",
        "w4a8:32+1x16@0.5",
        "ternary:32+16x4@0.5",
        "bf16+16x4@0.5"
      })
  void logitsAreThoseOfThePrunedWeights(String scheme) throws IOException {
    Path zeros = pruned(scheme, scheme);
    String plain = plain(scheme);
    Loaded right = load(options().withBackend("reference"), zeros, with(plain, plain));
    Loaded found = load(options(), shared.resolve("tiny"), with(scheme, scheme));
    boolean exact = plain.equals("f32") || plain.startsWith("w4a16");
    double error = error(right.logits(), found.logits());
    assertTrue(error <= (exact ? BOUND : NOISE_CODES), scheme + ": off by " + error);
    Loaded full = load(options(), shared.resolve("tiny"), with(plain, plain));
    double cost = error(full.logits(), found.logits());
    assertTrue(cost > 0.3, scheme + ": zeros change logits by " + cost + " of their spread only");
    assertEquals(0, full.sparseness().sparse());
    assertNull(full.sparseness().dense());
  }

  /** The reference prunes as well; both round the same activations but for a few. */
  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector", "onednn"})
  void otherBackendsGiveTheSame(String backend) {
    DecoderOptions scheme = with("f32+16x4@0.5", "f32+16x4@0.5");
    Loaded one = load(options(), shared.resolve("tiny"), scheme);
    SinterOptions other = options().withBackend(backend);
    double error = error(one.logits(), load(other, shared.resolve("tiny"), scheme).logits());
    assertTrue(error <= BOUND, backend + ": off by " + error);
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void blocksRunAsSuchAndThePlannerSaysWhy() {
    Path model = shared.resolve("tiny");
    Loaded blocks = load(options(), model, with("w8a8+16x4@0.5", "w8a8+16x4@0.5"));
    // Query with key and value, output, gate, up and down of two layers; and the head is full.
    assertEquals(new DecoderModel.Sparseness(10, 11, null), blocks.sparseness());
    Loaded full = load(options(), model, with("w8a8", "w8a8"));
    assertTrue(blocks.bytes() < 0.95 * full.bytes(), blocks.bytes() + " of " + full.bytes());

    Loaded twoOfFour = load(options(), model, with("w8a8+2:4", "w8a8+2:4"));
    assertEquals("model.layers.0.self_attn.q_proj", twoOfFour.sparseness().dense());
    assertEquals(0, twoOfFour.sparseness().sparse());
    assertEquals(9, twoOfFour.sparseness().matmuls(), "gate and up are one");
    assertTrue(
        twoOfFour.explained().contains("2:4 kept as dense I8 per CHANNEL: cpu"),
        twoOfFour.explained());
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void groupsOfLayersHaveZerosOfTheirOwn() throws IOException {
    String mlp = "w8a8+16x4@0.5";
    Loaded found = load(options(), shared.resolve("tiny"), with("w4a8:32", mlp));
    assertEquals(6, found.sparseness().sparse());
    Path zeros = pruned("w4a8:32", mlp);
    Loaded right = load(options().withBackend("reference"), zeros, with("w4a8:32", "w8a8"));
    double error = error(right.logits(), found.logits());
    assertTrue(error <= NOISE_CODES, "off by " + error);
  }

  /** What is pruned is packed at every load; the rest is kept, and nothing is taken for another. */
  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void thePackedCacheKeepsTheOtherLayers() throws InterruptedException {
    Path model = scratch.resolve("model");
    SyntheticDecoder.write("tiny", 64, 3, model, Progress.none());
    Thread.sleep(2500); // or it may yet change without that being seen
    SinterOptions cached = options().withPackedCache(scratch.resolve("cache").toString());
    DecoderOptions half = with("w8a8", "w8a8+16x4@0.5");
    long whole = 0;
    for (DecoderOptions scheme :
        List.of(with("w8a8", "w8a8"), half, with("w8a8", "w8a8+16x4@0.25"), half)) {
      float[] right = load(options(), model, scheme).logits();
      for (int again = 0; again < 2; again++) {
        try (Sinter sinter = Sinter.open(cached);
            DecoderModel decoder = DecoderModel.load(sinter, model, scheme, Progress.none());
            DecoderSession session = decoder.open()) {
          session.prefill(IDS);
          assertArrayEquals(right, session.logits(), scheme.scheme().toString());
          long mapped = decoder.packed().mapped();
          if (again == 1) {
            whole = Math.max(whole, mapped);
            assertTrue(mapped > 0);
            assertEquals(0, decoder.packed().written(), "all that can be kept was found");
            assertEquals(scheme.scheme().isPruned(), mapped < whole);
          }
        }
      }
    }
  }

  @Test
  void namesAreThoseOfTheCommandLine() {
    for (String id :
        List.of(
            "w8a8",
            "f32+2:4",
            "w4a8:32+16x8@0.5",
            "w8a8+unstructured@0.7",
            "bf16+1x16@0.9",
            "w8a8+16x4@0.0625")) {
      assertEquals(id, LayerCompression.of(id).id());
      assertEquals(LayerCompression.of(id), LayerCompression.of(LayerCompression.of(id).id()));
    }
    DecoderScheme scheme =
        new DecoderScheme(
            LayerCompression.of("w8a8"),
            LayerCompression.of("w8a8+16x4@0.5"),
            LayerCompression.of("w8a8"),
            Scheme.BF16);
    assertEquals("w8a8, MLP w8a8+16x4@0.5, head w8a8, embeddings bf16", scheme.toString());
    assertTrue(scheme.isPruned());
    assertFalse(DecoderScheme.of(Scheme.W8A8).isPruned());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "w8a8+16x4 | 16x4@0.5",
        "w8a8+16x4@ | a number, got ''",
        "w8a8+16x4@x | a number, got 'x'",
        "w8a8+16x4@0 | above 0 and below 1, got 0",
        "w8a8+16x4@1 | above 0 and below 1, got 1",
        "w8a8+16x4@NaN | above 0 and below 1, got NaN",
        "w8a8+2:4@0.5 | no @0.5",
        "w8a8+4:2 | got 4:2",
        "w8a8+frob@0.5 | unknown sparsity 'frob'",
        "w8a8+ | unknown sparsity ''",
        "w9a9+2:4 | unknown scheme 'w9a9'",
        "binary+2:4 | none can be zero"
      })
  void whatThereIsNotIsRefusedByName(String idAndReason) {
    String[] parts = idAndReason.split(" \\| ");
    String message =
        assertThrows(IllegalArgumentException.class, () -> LayerCompression.of(parts[0]))
            .getMessage();
    assertTrue(message.contains(parts[1]), message);
  }
}
