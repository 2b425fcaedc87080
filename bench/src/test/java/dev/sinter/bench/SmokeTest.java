package dev.sinter.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.cli.CommandFailure;
import dev.sinter.models.DecoderOptions;
import dev.sinter.models.Progress;
import dev.sinter.tensor.Scheme;
import dev.sinter.testing.NativeBuild;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every benchmark once, on small shapes: that it runs, that what it runs agrees with the reference,
 * and that its rows are complete. Nothing is asserted about time.
 */
class SmokeTest {
  // Tails everywhere, and one that is measured cold.
  private static final List<Shape> SHAPES =
      List.of(new Shape(129, 70, List.of(1, 3)), new Shape(2048, 2048, List.of(1, 2)));

  @TempDir private Path folder;

  private static Job job(Subject subject, List<Shape> shapes) {
    return job(subject, shapes, List.of());
  }

  private static Job job(Subject subject, List<Shape> shapes, List<Double> sparsities) {
    return new Job(subject, List.of(1, 2), shapes, sparsities, List.of(), 0, Long.MAX_VALUE);
  }

  private static void check(List<Measurement> rows, Subject subject, int expected) {
    assertEquals(expected, rows.size(), subject.label());
    for (Measurement row : rows) {
      assertEquals(subject.scheme(), row.subject().scheme());
      assertEquals(subject.group(), row.subject().group());
      assertTrue(row.ms() > 0 && row.msBest() > 0 && row.msBest() <= row.ms(), row.toString());
      assertFalse(row.isa().isBlank() || row.impl().isBlank(), row.toString());
    }
  }

  @Test
  void everySchemeOnEveryBackend() {
    List<Subject> subjects = Plan.layers(Suite.DENSE, SHAPES, List.of()).subjects();
    assertFalse(subjects.isEmpty());
    for (Subject subject : subjects) {
      Forks forks = new Forks(folder.resolve(subject.label().replace(' ', '-')), 0);
      assertTrue(forks.folder().toFile().mkdir());
      forks.run(job(subject, SHAPES), "series", Progress.none(), 0, 1);
      assertEquals(List.of(), forks.results().refusals());
      List<Measurement> rows = forks.results().rows();
      check(rows, subject, 8);
      assertEquals(subject.backend(), rows.getFirst().subject().backend());
      assertEquals(
          2, rows.stream().filter(r -> "cold".equals(r.weights())).count(), subject.label());
    }
  }

  @Test
  void everySchemeOnEveryBackendAsJmhMeasuresIt() {
    Shape small = SHAPES.getFirst();
    for (Subject subject : Plan.layers(Suite.DENSE, SHAPES, List.of()).subjects()) {
      Forks forks = new Forks(folder.resolve(subject.label().replace(' ', '-')), 0);
      assertTrue(forks.folder().toFile().mkdir());
      forks.full(subject, List.of(1, 2), small, "full");
      assertEquals(List.of(), forks.results().refusals());
      check(forks.results().rows(), subject, 4);
    }
  }

  @Test
  @DisabledIf(value = "dev.sinter.testing.NativeBuild#isOff", disabledReason = NativeBuild.REASON)
  void everyStructureThatHasAKernelAndTheReasonsOfTheOthers() {
    Plan plan = Plan.layers(Suite.SPARSE, SHAPES, List.of());
    List<Subject> subjects =
        plan.subjects().stream().filter(s -> !s.format().equals(Format.DENSE)).toList();
    for (String expected :
        List.of("w8a8 block16x4", "w8a8 2:4", "w8a8 bitmask", "w4a8 g128 block16x8", "f32 csr")) {
      assertTrue(subjects.stream().anyMatch(s -> s.label().equals(expected + " on cpu")), expected);
    }
    for (Subject subject : subjects) {
      Forks forks = new Forks(folder.resolve(subject.label().replaceAll("[ :]", "-")), 0);
      assertTrue(forks.folder().toFile().mkdir());
      boolean pattern = subject.format().contains(":");
      List<Double> sparsities = pattern ? List.of(0.5) : List.of(0.5, 0.9);
      // One of them cold as well.
      List<Shape> shapes =
          subject.label().startsWith("w8a8 block16x4 ") ? SHAPES : SHAPES.subList(0, 1);
      int expected = 4 * shapes.size() * sparsities.size();
      forks.run(job(subject, shapes, sparsities), "series", Progress.none(), 0, 1);
      assertEquals(List.of(), forks.results().refusals());
      List<Measurement> rows = forks.results().rows();
      check(rows, subject, expected);
      assertEquals(0.5, rows.getFirst().subject().sparsity());
      forks.full(subject.withSparsity(0.5), List.of(1), SHAPES.getFirst(), "full");
      check(forks.results().rows().subList(expected, expected + 2), subject, 2);
    }
    for (String refused : List.of("w8a8 block1x16", "w4a8 g128 2:4", "f32 2:4")) {
      assertTrue(
          plan.refusals().stream().anyMatch(r -> r.subject().label().equals(refused + " on cpu")),
          refused);
    }
  }

  @Test
  void theEncoderInEveryScheme() {
    for (Subject subject : Plan.encoder(List.of()).subjects()) {
      Forks forks = new Forks(folder.resolve(subject.label().replace(' ', '-')), 0);
      assertTrue(forks.folder().toFile().mkdir());
      List<EncoderSize> smallest = EncoderSize.ALL.subList(0, 1);
      Job once = new Job(subject, List.of(2), List.of(), List.of(), smallest, 0, Long.MAX_VALUE);
      forks.run(once, "encoder", Progress.none(), 0, 1);
      if (Stream.of("f32", "w8a8", "w4a8", "w8a16", "w4a16").anyMatch(subject.scheme()::equals)) {
        assertEquals(List.of(), forks.results().refusals());
        check(forks.results().rows(), subject, 1);
      }
    }
  }

  @Test
  void theDecoderInEveryScheme() throws Exception {
    Path made;
    try (DecoderFiles files = DecoderFiles.make("tiny", 320, 0, 0, Progress.none())) {
      made = files.folder();
      // A prompt of more than one pass, and attention whose positions are cut into segments.
      DecoderLoad load = new DecoderLoad(made.toString(), 270, 3, 300);
      for (Subject subject : Plan.decoder(List.of()).subjects()) {
        Forks forks = new Forks(folder.resolve(subject.label().replace(' ', '-')), 0);
        assertTrue(forks.folder().toFile().mkdir());
        Job once =
            new Job(
                subject, List.of(1, 2), List.of(), List.of(), List.of(), load, 0, Long.MAX_VALUE);
        forks.run(once, "decoder", Progress.none(), 0, 1);
        assertEquals(List.of(), forks.results().refusals());
        List<Measurement> rows = forks.results().rows();
        check(rows, subject, once.rowCount());
        assertEquals(
            List.of("prefill", "decode", "attention", "attention", "attention"),
            rows.stream().limit(5).map(Measurement::kernel).toList());
        Measurement decode = rows.get(1);
        // At least the codes, and at most what they would take in f32, with keys and values.
        DecoderShape shape = DecoderShape.read(load.model());
        long weights = shape.layerWeights() + shape.headWeights();
        assertTrue(decode.bytes() > weights / 2 && decode.bytes() < 8 * weights, decode.toString());
        assertEquals(2.0 * weights, decode.operations());
        List<Breakdown> parts = forks.results().breakdowns();
        assertEquals(2, parts.size());
        assertTrue(parts.getFirst().ms().get("MLP gate and up") > 0, parts.toString());
        assertTrue(parts.getFirst().ms().get("attention") > 0, parts.toString());
      }
    }
    assertFalse(made.toFile().exists());
  }

  /** A check that nothing fails would let a wrong decoder be timed. */
  @Test
  void aDecoderOfOtherWeightsDisagrees() throws Exception {
    try (DecoderFiles files = DecoderFiles.make("tiny", 320, 0, 0, Progress.none());
        DecoderFiles room = DecoderFiles.make("tiny", 320, 0, 0, Progress.none())) {
      Path config = room.folder().resolve(DecoderFiles.CHECK).resolve("config.json");
      String other = Files.readString(config).replace("10000.0", "3.0");
      assertNotEquals(Files.readString(config), other);
      Files.writeString(config, other);
      DecoderOptions options = DecoderSeries.options(Scheme.BF16);
      Path right = files.folder().resolve(DecoderFiles.CHECK);
      Path wrong = room.folder().resolve(DecoderFiles.CHECK);
      float[][][] expected = DecoderAgreement.logits(right, options, "reference");
      assertNull(
          DecoderAgreement.disagreement(
              expected, DecoderAgreement.logits(right, options, null), options));
      assertNotNull(
          DecoderAgreement.disagreement(
              expected, DecoderAgreement.logits(wrong, options, null), options));
    }
  }

  @Test
  void noRoomForTheDecoderIsAFailure() {
    String disk =
        assertThrows(
                CommandFailure.class,
                () -> DecoderFiles.make("tiny", 320, Long.MAX_VALUE, 0, Progress.none()))
            .getMessage();
    assertTrue(disk.contains("files take 9223372036854 MB"), disk);
    String memory =
        assertThrows(
                CommandFailure.class,
                () -> DecoderFiles.make("tiny", 320, 0, Long.MAX_VALUE, Progress.none()))
            .getMessage();
    assertTrue(memory.contains("of memory"), memory);
  }

  @Test
  void aProcessThatDiesIsReported() {
    Subject nobody = new Subject("f32", null, null, "nobody");
    // In a process of its own: in this one JMH would keep the failed run's state for the next.
    Forks forks = new Forks(folder, 1);
    forks.run(job(nobody, SHAPES), "dies", Progress.none(), 0, 1);
    Refusal refusal = forks.results().refusals().getFirst();
    assertTrue(refusal.failure());
    assertTrue(refusal.reason().contains("nobody is not here"), refusal.reason());
  }

  @Test
  void noTimeLeftIsReported() {
    Subject subject = Plan.layers(Suite.DENSE, SHAPES, List.of()).subjects().getFirst();
    Forks forks = new Forks(folder, 0);
    Job late = new Job(subject, List.of(1), SHAPES, List.of(), List.of(), 0, 0);
    forks.run(late, "late", Progress.none(), 0, 1);
    List<Refusal> refusals = new ArrayList<>(forks.results().refusals());
    assertEquals(2, refusals.size());
    assertTrue(refusals.stream().noneMatch(Refusal::failure));
    assertEquals("no time left", refusals.getFirst().reason());
  }
}
