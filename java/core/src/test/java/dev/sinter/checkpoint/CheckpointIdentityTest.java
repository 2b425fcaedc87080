package dev.sinter.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointIdentityTest {
  @TempDir private Path scratch;

  private static CheckpointIdentity identity(Path path) {
    return CheckpointIdentity.of(path, Instant.now().plus(Duration.ofHours(1))).orElseThrow();
  }

  private Path file(String name, int size) throws IOException {
    return Files.write(scratch.resolve(name), new byte[size]);
  }

  @Test
  void isTheSameForAFileThatIs() throws IOException {
    for (int size : new int[] {0, 1, 4095, 4096, 4097, 1_000_000}) {
      Path file = file(size + ".safetensors", size);
      assertEquals(identity(file), identity(file));
      assertEquals(size, identity(file).bytes());
    }
  }

  @Test
  void theFolderDoesNotCount() throws IOException {
    Path folder = Files.createDirectory(scratch.resolve("here"));
    Path file = Files.write(folder.resolve("model.safetensors"), new byte[100]);
    CheckpointIdentity before = identity(file);
    Files.move(folder, scratch.resolve("there"));
    assertEquals(before, identity(scratch.resolve("there").resolve("model.safetensors")));
  }

  /** Where no sample is, by a program that sets the time back. */
  @Test
  void aChangeInPlaceShowsEvenIfItsTimeIsSetBack() throws IOException {
    Path file = file("model.safetensors", 3_000_000);
    FileTime time = Files.getLastModifiedTime(file);
    CheckpointIdentity before = identity(file);
    long start = System.nanoTime();
    do { // until the clock of the file system has moved on, at most some milliseconds
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[] {1}), 30_000);
      }
      Files.setLastModifiedTime(file, time);
    } while (identity(file).equals(before) && System.nanoTime() - start < 10_000_000_000L);
    assertNotEquals(before.digest(), identity(file).digest());
  }

  @Test
  void nameSizeAndContentCount() throws IOException {
    Path file = file("model.safetensors", 100_000);
    CheckpointIdentity before = identity(file);
    Path other = Files.move(file, scratch.resolve("other.safetensors"));
    assertNotEquals(before.digest(), identity(other).digest());
    Files.move(other, file);
    Files.write(file, new byte[100_001]);
    assertNotEquals(before.digest(), identity(file).digest());
  }

  @Test
  void allFilesBehindAnIndexCount() throws IOException {
    Path index = scratch.resolve("model.safetensors.index.json");
    String json =
        "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\",\"c\":\"x.safetensors\"}}";
    Files.write(index, json.getBytes(StandardCharsets.UTF_8));
    file("x.safetensors", 50);
    Path second = file("y.safetensors", 60);
    CheckpointIdentity before = identity(index);
    assertEquals(json.length() + 110, before.bytes());
    Files.write(second, new byte[61]);
    assertNotEquals(before.digest(), identity(index).digest());
    Files.delete(second);
    assertThrows(CheckpointException.class, () -> identity(index));
  }

  @Test
  void aFileThatIsTooYoungHasNone() throws IOException {
    Path file = file("model.safetensors", 10);
    assertEquals(Optional.empty(), CheckpointIdentity.of(file, Instant.now()));
    assertEquals(
        Optional.empty(), CheckpointIdentity.of(file, Instant.now().minus(Duration.ofDays(1))));
  }
}
