package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.Sinter;
import dev.sinter.SinterOptions;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.NativeBuild;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoders that are loaded from packed weights. */
@DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
class DecoderPackedTest {
  /** After which files are no longer too young to be told apart, in milliseconds. */
  private static final long AGE = 2500;

  private static final int[] IDS = {3, 14, 15, 92, 65, 35, 89, 79, 32};

  // What is ignored on purpose here would fill the log.
  private static final Logger LOG = Logger.getLogger("dev.sinter.layout");

  @TempDir private static Path shared;

  @TempDir private Path cache;

  @BeforeAll
  static void write() throws InterruptedException {
    LOG.setLevel(Level.OFF);
    SyntheticDecoder.write("tiny", 64, 3, shared.resolve("tiny"), Progress.none());
    GoldenDecoders.cases().forEach(c -> c.folder(shared));
    Thread.sleep(AGE);
  }

  @AfterAll
  static void loud() {
    LOG.setLevel(null);
  }

  private SinterOptions with(String folder) {
    return SinterOptions.defaults().withThreads(2).withPlan("off").withPackedCache(folder);
  }

  private record Loaded(float[] logits, long mapped, long written, long bytes, String explained) {}

  private Loaded load(Path model, DecoderOptions options, SinterOptions sinterOptions, int[] ids) {
    try (Sinter sinter = Sinter.open(sinterOptions);
        DecoderModel decoder = DecoderModel.load(sinter, model, options, Progress.none());
        DecoderSession session = decoder.open()) {
      session.prefill(ids);
      StringBuilder explained = new StringBuilder();
      decoder.layers().forEach(layer -> explained.append(decoder.explain(layer)));
      return new Loaded(
          session.logits().clone(),
          decoder.packed().mapped(),
          decoder.packed().written(),
          decoder.bytes(),
          explained.toString());
    }
  }

  private Loaded load(Path model, DecoderOptions options) {
    return load(model, options, with(cache.toString()), IDS);
  }

  private List<Path> files() {
    try (Stream<Path> list = Files.list(cache)) {
      return list.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void sameWithAndWithout(Path model, DecoderOptions options, int[] ids) {
    Loaded plain = load(model, options, with(SinterOptions.NO_PACKED_CACHE), ids);
    Loaded cold = load(model, options, with(cache.toString()), ids);
    Loaded warm = load(model, options, with(cache.toString()), ids);
    assertEquals(0, plain.mapped());
    assertEquals(0, plain.written());
    assertEquals(0, cold.mapped());
    assertTrue(cold.written() > 0);
    assertEquals(0, warm.written(), "everything is found");
    // bf16 runs on oneDNN where the CPU multiplies it, and that packs anew.
    boolean all = !warm.explained().contains("runs on onednn");
    double least = all ? 0.9 * warm.bytes() - 20_000 : 1;
    assertTrue(warm.mapped() > least, warm.mapped() + " of " + warm.bytes());
    assertArrayEquals(plain.logits(), cold.logits());
    assertArrayEquals(plain.logits(), warm.logits());
    assertEquals(plain.bytes(), warm.bytes());
    assertEquals(plain.explained(), warm.explained());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"f32", "bf16", "w8a8", "w4a8", "w4a8:32", "w4a16", "w8a16", "ternary", "binary"})
  void logitsAreTheSameBitForBit(String scheme) {
    sameWithAndWithout(shared.resolve("tiny"), DecoderOptions.of(Scheme.of(scheme)), IDS);
  }

  @ParameterizedTest
  @MethodSource("dev.sinter.models.GoldenDecoders#cases")
  void soAreThoseOfEveryFamily(GoldenDecoders.Case golden) {
    int[] ids = Arrays.copyOf(golden.ids(), Math.min(8, golden.ids().length));
    sameWithAndWithout(shared.resolve(golden.name()), DecoderOptions.of(Scheme.W8A8), ids);
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16", "w8a8"})
  void soAreThoseOfOtherHeadsAndEmbeddings(String scheme) {
    Scheme other = Scheme.of(scheme);
    DecoderScheme mixed = new DecoderScheme(Scheme.W8A8, Scheme.W4A8, other, other);
    DecoderOptions options = DecoderOptions.of(Scheme.F32).withScheme(mixed);
    sameWithAndWithout(shared.resolve("tiny"), options, IDS);
  }

  @Test
  void whatOtherBackendsPackIsPackedAnew() {
    SinterOptions reference = with(cache.toString()).withBackend("reference");
    DecoderOptions options = DecoderOptions.of(Scheme.W8A8);
    Loaded first = load(shared.resolve("tiny"), options, reference, IDS);
    Loaded second = load(shared.resolve("tiny"), options, reference, IDS);
    assertArrayEquals(first.logits(), second.logits());
    // The embeddings are no kernel's.
    assertTrue(second.mapped() < second.bytes() / 3, second.mapped() + " of " + second.bytes());
  }

  @Test
  void schemesAndInstructionSetsHaveFilesOfTheirOwn() {
    Path model = shared.resolve("tiny");
    load(model, DecoderOptions.of(Scheme.W8A8));
    assertEquals(0, load(model, DecoderOptions.of(Scheme.W4A8)).mapped());
    SinterOptions scalar = with(cache.toString()).withIsa("scalar");
    assertEquals(0, load(model, DecoderOptions.of(Scheme.W8A8), scalar, IDS).mapped());
    assertEquals(3, files().size());
    assertTrue(load(model, DecoderOptions.of(Scheme.W8A8)).mapped() > 0);
    assertTrue(load(model, DecoderOptions.of(Scheme.W8A8), scalar, IDS).mapped() > 0);
  }

  @Test
  void aChangedCheckpointIsReadAnew() throws Exception {
    Path model = cache.resolveSibling("changing" + cache.getFileName());
    DecoderOptions options = DecoderOptions.of(Scheme.W8A8);
    try {
      SyntheticDecoder.write("tiny", 64, 3, model, Progress.none());
      Loaded young = load(model, options);
      assertEquals(0, young.written(), "it could change without that being seen");
      Thread.sleep(AGE);
      Loaded before = load(model, options);
      assertTrue(before.written() > 0);
      List<Path> weights;
      try (Stream<Path> list = Files.list(model)) {
        weights = list.filter(f -> f.toString().endsWith(".safetensors")).toList();
      }
      for (Path file : weights) {
        // The last tensor of the file, in place, with the old time.
        var time = Files.getLastModifiedTime(file);
        byte[] bytes = Files.readAllBytes(file);
        for (int i = bytes.length - 400; i < bytes.length; i += 2) {
          bytes[i] ^= 0x55;
        }
        Files.write(file, bytes);
        Files.setLastModifiedTime(file, time);
      }
      Loaded changed = load(model, options);
      assertEquals(0, changed.mapped());
      assertFalse(Arrays.equals(before.logits(), changed.logits()));
      Thread.sleep(AGE);
      assertArrayEquals(changed.logits(), load(model, options).logits());
      Loaded again = load(model, options);
      assertTrue(again.mapped() > 0);
      assertArrayEquals(changed.logits(), again.logits());
    } finally {
      try (Stream<Path> list = Files.list(model)) {
        for (Path file : list.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(model);
    }
  }

  @Test
  void damagedFilesAreReplaced() throws IOException {
    Path model = shared.resolve("tiny");
    DecoderOptions options = DecoderOptions.of(Scheme.W4A8);
    Loaded right = load(model, options);
    Path file = files().getFirst();
    byte[] bytes = Files.readAllBytes(file);
    for (int at : new int[] {9, 40_000, bytes.length - 30}) {
      byte[] bad = bytes.clone();
      bad[at] ^= 4;
      Files.write(file, bad);
      Loaded loaded = load(model, options);
      assertEquals(0, loaded.mapped(), "damaged at " + at);
      assertTrue(loaded.written() > 0);
      assertArrayEquals(right.logits(), loaded.logits());
      assertTrue(load(model, options).mapped() > 0);
    }
  }

  @Test
  void severalMayLoadAtOnce() throws Exception {
    Path model = shared.resolve("tiny");
    DecoderOptions options = DecoderOptions.of(Scheme.W8A8);
    float[] right = load(model, options, with(SinterOptions.NO_PACKED_CACHE), IDS).logits();
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Loaded>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        all.add(threads.submit(() -> load(model, options)));
      }
      for (Future<Loaded> one : all) {
        assertArrayEquals(right, one.get().logits());
      }
    }
    assertEquals(1, files().size());
  }

  @Test
  void smallModelsAreNotKeptUnasked() {
    SinterOptions defaults = with(null);
    Loaded loaded = load(shared.resolve("tiny"), DecoderOptions.of(Scheme.W8A8), defaults, IDS);
    assertEquals(0, loaded.written());
    assertNotEquals(0, loaded.bytes());
  }

  @Test
  void useAfterCloseIsAnError() {
    Path model = shared.resolve("tiny");
    DecoderOptions options = DecoderOptions.of(Scheme.W8A8);
    load(model, options);
    try (Sinter sinter = Sinter.open(with(cache.toString()))) {
      DecoderModel decoder = DecoderModel.load(sinter, model, options, Progress.none());
      assertTrue(decoder.packed().mapped() > 0);
      DecoderSession session = decoder.open();
      decoder.close();
      decoder.close();
      assertThrows(IllegalStateException.class, () -> session.prefill(IDS));
      assertThrows(IllegalStateException.class, decoder::open);
    }
  }
}
