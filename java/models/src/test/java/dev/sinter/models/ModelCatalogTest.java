package dev.sinter.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sinter.checkpoint.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCatalogTest {
  // SHA-256 of the four bytes "good".
  private static final MavenArtifact JAR =
      new MavenArtifact(
          "g.h", "a", "1", "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c");

  @TempDir private Path folder;
  private final Map<String, String> properties = new HashMap<>();
  private final Map<String, String> environment = new HashMap<>();
  private int fetches;

  @BeforeEach
  void emptyRepository() {
    properties.put("maven.repo.local", folder.resolve("repository").toString());
  }

  @Test
  void settingsComeBeforeTheRepositoryBeforeTheCacheBeforeFetching() {
    assertEquals(folder.resolve("models/a-1.jar"), find("good"));
    assertEquals(1, fetches);
    assertEquals(folder.resolve("models/a-1.jar"), find("good"));
    assertEquals(1, fetches, "what was fetched is kept");
    Path local = file("repository/g/h/a/1/a-1.jar", "good");
    assertEquals(local, find("good"));
    Path variable = file("variable.jar", "good");
    environment.put("SINTER_MODELS_M", variable.toString());
    assertEquals(variable, find("good"));
    Path property = file("property.jar", "good");
    properties.put("sinter.models.m", property.toString());
    assertEquals(property, find("good"));
  }

  @Test
  void anotherFileUnderTheNameIsRefused() throws Exception {
    file("repository/g/h/a/1/a-1.jar", "evil");
    String message = assertThrows(IllegalStateException.class, () -> find("good")).getMessage();
    assertTrue(message.contains("g.h:a:1") && message.contains("delete it"), message);
    Files.delete(folder.resolve("repository/g/h/a/1/a-1.jar"));
    assertThrows(IllegalStateException.class, () -> find("evil"));
    assertFalse(Files.exists(folder.resolve("models/a-1.jar")), "a wrong file was kept");
  }

  @Test
  void aJarIsHashedOnceAndAgainWhenItChanges() throws Exception {
    Path jar = file("repository/g/h/a/1/a-1.jar", "good");
    List<String> steps = new ArrayList<>();
    Progress progress = (what, done, total) -> steps.add(what);
    find("good", progress);
    assertEquals(List.of("checking a-1.jar"), steps);
    find("good", progress);
    assertEquals(1, steps.size(), "hashed again");
    // Another inode, then another time, then another path, then other content.
    Files.copy(jar, folder.resolve("copy"), StandardCopyOption.COPY_ATTRIBUTES);
    Files.move(folder.resolve("copy"), jar, StandardCopyOption.REPLACE_EXISTING);
    find("good", progress);
    assertEquals(2, steps.size());
    Files.setLastModifiedTime(jar, FileTime.fromMillis(1));
    find("good", progress);
    assertEquals(3, steps.size());
    properties.put("sinter.models.m", file("property.jar", "good").toString());
    find("good", progress);
    assertEquals(4, steps.size());
    properties.remove("sinter.models.m");
    Files.writeString(jar, "evil");
    Files.setLastModifiedTime(jar, FileTime.fromMillis(1));
    assertThrows(IllegalStateException.class, () -> find("good", progress));
  }

  @Test
  void stampsThatCannotBeKeptAreDoneWithout() {
    file("models", "a file where the folder should be");
    Path jar = file("repository/g/h/a/1/a-1.jar", "good");
    assertEquals(jar, find("good"));
    assertEquals(jar, find("good"));
  }

  @Test
  void whatKilledFetchesLeftIsSwept() throws Exception {
    Path old = file("models/fetch1/a-1.jar", "half").getParent();
    Path young = file("models/fetch2/a-1.jar", "half").getParent();
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
    find("good");
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(young), "taken from a process that runs");
  }

  @Test
  void variablesHaveNoDash() {
    environment.put("SINTER_MODELS_A_B", file("variable.jar", "good").toString());
    ModelLocator locator =
        new ModelLocator(
            properties::get,
            environment::get,
            folder.resolve("models"),
            (into, model, jar, progress) -> fail("fetched"));
    assertEquals(folder.resolve("variable.jar"), locator.find("a-b", JAR, Progress.none()));
  }

  @Test
  void unknownNamesAreRefusedWithTheKnownOnes() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> ModelCatalog.resolve("no such model", Progress.none()))
            .getMessage();
    assertTrue(message.contains("minilm"), message);
  }

  @Test
  void theTrueModelHasItsSizes() {
    ModelFiles files = TestModels.miniLm();
    try (Checkpoint checkpoint = files.openCheckpoint()) {
      BertConfig config = BertConfig.infer(checkpoint, files.settings().heads(), 1e-12f);
      assertEquals(new BertConfig(6, 384, 12, 1536, 512, 30522, 1e-12f), config);
      assertThrows(
          RuntimeException.class, () -> BertConfig.infer(checkpoint, 11, 1e-12f), "11 heads");
    }
  }

  @Test
  void longTextsAreCutToTheMaximumAndShortOnesNotPadded() {
    Tokenizer tokenizer = TestModels.miniLm().openTokenizer(512);
    int[] ids = tokenizer.encode("word ".repeat(1000));
    assertEquals(512, ids.length);
    assertEquals(101, ids[0]);
    assertEquals(102, ids[511]);
    assertEquals(3, tokenizer.encode("word").length);
    assertEquals(2, tokenizer.encode("").length);
    tokenizer.close();
    assertThrows(IllegalStateException.class, () -> tokenizer.encode("word"));
  }

  private Path find(String served) {
    return find(served, Progress.none());
  }

  private Path find(String served, Progress told) {
    ModelLocator locator =
        new ModelLocator(
            properties::get,
            environment::get,
            folder.resolve("models"),
            (into, model, jar, progress) -> {
              fetches++;
              file(into.resolve(jar.fileName()), served);
            });
    return locator.find("m", JAR, told);
  }

  private Path file(String name, String content) {
    return file(folder.resolve(name), content);
  }

  private static Path file(Path path, String content) {
    try {
      Files.createDirectories(path.getParent());
      return Files.writeString(path, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
