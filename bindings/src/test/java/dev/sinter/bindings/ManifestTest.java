package dev.sinter.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The committed bindings are what {@code bindings/regenerate} wrote for these headers. */
class ManifestTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Path SOURCES = ROOT.resolve("bindings/src/main/java/dev/sinter/bindings");

  @Test
  void everyFileIsAsItWasWritten() throws IOException {
    for (Map.Entry<String, String> entry : manifest().entrySet()) {
      assertEquals(
          entry.getValue(),
          sha256(ROOT.resolve(entry.getKey())),
          entry.getKey() + " has changed: run bindings/regenerate");
    }
  }

  @Test
  void everyGeneratedFileIsListed() throws IOException {
    TreeSet<String> listed = new TreeSet<>(manifest().keySet());
    for (String input :
        List.of(
            "bindings/onednn.includes",
            "bindings/sinter.includes",
            "native/include/sinter.h",
            "kernels/KERNELS.def")) {
      assertTrue(listed.remove(input), input);
    }
    assertFalse(listed.isEmpty());
    try (Stream<Path> files = Files.walk(SOURCES)) {
      assertEquals(
          files
              .filter(Files::isRegularFile)
              .map(f -> ROOT.relativize(f).toString())
              .collect(Collectors.toCollection(TreeSet::new)),
          listed);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "sinter"})
  void everyNameOfTheFilterIsBound(String library) throws IOException {
    List<String> filter = Files.readAllLines(ROOT.resolve("bindings/" + library + ".includes"));
    assertFalse(filter.isEmpty());
    StringBuilder sources = new StringBuilder();
    try (Stream<Path> files = Files.list(SOURCES.resolve(library))) {
      for (Path file : files.toList()) {
        sources.append(Files.readString(file));
      }
    }
    for (String line : filter) {
      assertTrue(
          line.matches("--include-(function|constant|struct|typedef) \\w+"), "'" + line + "'");
      String name = line.substring(line.indexOf(' ') + 1);
      assertTrue(Pattern.compile("\\b" + name + "\\b").matcher(sources).find(), name);
    }
  }

  /** Hash by path, as {@code sha256sum} prints them. */
  private static Map<String, String> manifest() throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    for (String line : Files.readAllLines(ROOT.resolve("bindings/MANIFEST.sha256"))) {
      assertTrue(line.matches("[0-9a-f]{64}  \\S+"), line);
      hashes.put(line.substring(66), line.substring(0, 64));
    }
    return hashes;
  }

  private static String sha256(Path file) throws IOException {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
