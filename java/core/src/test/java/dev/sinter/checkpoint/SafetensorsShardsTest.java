package dev.sinter.checkpoint;

import static dev.sinter.checkpoint.SafetensorsBytes.file;
import static dev.sinter.checkpoint.SafetensorsBytes.tensor;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsShardsTest {
  private static final String ONE = "one.safetensors";
  private static final String TWO = "two.safetensors";

  @TempDir private Path folder;

  @BeforeEach
  void twoShards() throws IOException {
    shard(ONE, "a");
    shard(TWO, "b");
  }

  private void shard(String name, String tensor) throws IOException {
    Files.write(folder.resolve(name), file("{" + tensor(tensor, "U8", "[4]", 0, 4) + "}", 4));
  }

  private Path index(String json) throws IOException {
    return Files.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  private static String map(String... tensorsAndFiles) {
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < tensorsAndFiles.length; i += 2) {
      map.append(map.isEmpty() ? "" : ",");
      map.append("\"%s\":\"%s\"".formatted(tensorsAndFiles[i], tensorsAndFiles[i + 1]));
    }
    return "{\"metadata\":{\"total_size\":8},\"weight_map\":{" + map + "}}";
  }

  @Test
  void tensorsComeFromTheirFiles() throws IOException {
    try (SafetensorsShards shards = SafetensorsShards.open(index(map("b", TWO, "a", ONE) + "\n"))) {
      assertEquals(List.of("b", "a"), shards.names());
      assertEquals("a U8 [4]", shards.tensor("a").toString());
      assertEquals(4, shards.info("b").bytes());
      assertThrows(CheckpointException.class, () -> shards.tensor("c"));
    }
  }

  @Test
  void whatIsNotThereIsNamed() throws IOException {
    CheckpointException missing =
        assertRefused("lies in three.safetensors", map("a", ONE, "c", "three.safetensors"));
    assertEquals("c", missing.tensor());
    CheckpointException absent =
        assertRefused("is not in two.safetensors", map("a", ONE, "b", TWO, "c", TWO));
    assertEquals("c", absent.tensor());
    Path nowhere = folder.resolve("absent.json");
    assertThrows(CheckpointException.class, () -> SafetensorsShards.open(nowhere));
  }

  @Test
  void aTensorInTwoFiles() throws IOException {
    Files.write(
        folder.resolve(TWO),
        file("{" + tensor("a", "U8", "[4]", 0, 4) + "," + tensor("b", "U8", "[4]", 4, 8) + "}", 8));
    CheckpointException e =
        assertRefused("is in two.safetensors, by the index in one.s", map("a", ONE, "b", TWO));
    assertEquals("a", e.tensor());
    assertRefused("\"a\" twice", map("a", ONE, "a", TWO, "b", TWO));
  }

  @Test
  void aTensorThatTheIndexDoesNotKnow() throws IOException {
    Files.write(
        folder.resolve(TWO),
        file("{" + tensor("x", "U8", "[4]", 0, 4) + "," + tensor("b", "U8", "[4]", 4, 8) + "}", 8));
    assertEquals("x", assertRefused("not in the index", map("a", ONE, "b", TWO)).tensor());
  }

  @Test
  void aMalformedShardIsNamed() throws IOException {
    Path two = folder.resolve(TWO);
    try (RandomAccessFile f = new RandomAccessFile(two.toFile(), "rw")) {
      f.setLength(f.length() - 1);
    }
    Path index = index(map("a", ONE, "b", TWO));
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> SafetensorsShards.open(index));
    assertEquals(two.toString(), e.file());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../one.safetensors",
        "/tmp/one.safetensors",
        "sub/one.safetensors",
        "..\\\\one.safetensors",
        "one.bin",
        "",
        ".",
        "..",
        ".safetensors",
        "one.safetensors\\u0000.safetensors"
      })
  void filesElsewhereAreRefused(String name) throws IOException {
    CheckpointException e = assertRefused("beside the index", map("a", name));
    assertEquals("a", e.tensor());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"weight_map\":null}",
        "{\"weight_map\":[]}",
        "{\"weight_map\":{\"a\":1}}",
        "{\"weight_map\":{\"a\":{}}}",
        "{\"weight_map\":{}}x",
        "{\"metadata\":{}}",
        "{\"weight_map\":{},\"weight_map\":{}}"
      })
  void otherJson(String json) throws IOException {
    assertRefused("", json);
  }

  @Test
  void deepNesting() throws IOException {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    assertRefused("malformed JSON", "{\"metadata\":" + deep + ",\"weight_map\":{}}");
  }

  private CheckpointException assertRefused(String reason, String json) throws IOException {
    Path index = index(json);
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> SafetensorsShards.open(index));
    assertTrue(e.reason().contains(reason), e.getMessage());
    assertEquals(index.toString(), e.file());
    return e;
  }

  @Test
  void openingByPath() throws IOException {
    Path index = index(map("a", ONE, "b", TWO));
    for (Path path : List.of(folder, index, folder.resolve(ONE))) {
      try (Checkpoint checkpoint = CheckpointFiles.open(path)) {
        assertTrue(checkpoint.contains("a"), path.toString());
      }
    }
    shard("model.safetensors", "whole");
    try (Checkpoint checkpoint = CheckpointFiles.open(folder)) {
      assertTrue(checkpoint.contains("whole"), "one file comes before an index");
    }
    Path other = Files.write(folder.resolve("a.txt"), "text".getBytes(StandardCharsets.UTF_8));
    Path jar = Files.copy(other, folder.resolve("a.jar"));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    for (Path path : List.of(other, jar, empty, folder.resolve("absent.onnx"))) {
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> CheckpointFiles.open(path));
      assertEquals(path.toString(), e.file());
    }
  }
}
