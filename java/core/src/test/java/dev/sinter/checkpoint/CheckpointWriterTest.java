package dev.sinter.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointWriterTest {
  private static final RawTensor BYTES = tensor("b", DType.U8, 3);
  private static final RawTensor FLOATS = tensor("a", DType.F32, 2, 2);
  private static final RawTensor LONGS = tensor("z", DType.I64, 1);

  @TempDir private Path folder;

  private static RawTensor tensor(String name, DType dtype, long... shape) {
    long bytes = dtype.bytes();
    for (long d : shape) {
      bytes *= d;
    }
    MemorySegment data = Arena.ofAuto().allocate(bytes, 64);
    for (long i = 0; i < bytes; i++) {
      data.set(ValueLayout.JAVA_BYTE, i, (byte) (i + name.charAt(0)));
    }
    return new RawTensor(name, dtype, shape, data);
  }

  @Test
  void theBytesOfAFile() throws IOException {
    Path path = folder.resolve("out.safetensors");
    CheckpointWriter.write(path, List.of(BYTES, FLOATS, LONGS), Map.of("y", "2", "x", "1"));
    byte[] bytes = Files.readAllBytes(path);
    long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, length % 8);
    String header = new String(bytes, 8, (int) length, StandardCharsets.UTF_8);
    assertEquals(
        "{\"__metadata__\":{\"x\":\"1\",\"y\":\"2\"},"
            + "\"z\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[8,24]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[24,27]}}",
        header.stripTrailing());
    assertEquals(8 + length + 27, bytes.length);
    assertEquals('z', bytes[8 + (int) length]);
    assertEquals('b', bytes[8 + (int) length + 24]);
  }

  @Test
  void theOrderOfTheTensorsDoesNotMatter() throws IOException {
    Path first = folder.resolve("first.safetensors");
    Path second = folder.resolve("second.safetensors");
    CheckpointWriter.write(first, List.of(BYTES, FLOATS, LONGS), Map.of());
    CheckpointWriter.write(second, List.of(LONGS, BYTES, FLOATS), Map.of());
    assertEquals(-1, Files.mismatch(first, second));
  }

  @Test
  void whatPythonWroteComesBackWhole() throws IOException {
    Path python =
        Files.write(
            folder.resolve("python.safetensors"),
            SafetensorsBytes.resource("/safetensors/types.safetensors"));
    Path ours = folder.resolve("ours.safetensors");
    try (SafetensorsFile file = SafetensorsFile.open(python)) {
      List<RawTensor> tensors = new ArrayList<>();
      file.names().forEach(name -> tensors.add(file.tensor(name)));
      Collections.shuffle(tensors, new Random(1));
      CheckpointWriter.write(ours, tensors, file.metadata());
      try (SafetensorsFile again = SafetensorsFile.open(ours)) {
        assertEquals(new TreeSet<>(file.names()), new TreeSet<>(again.names()));
        assertEquals(file.metadata(), again.metadata());
        for (String name : file.names()) {
          assertSame(file.tensor(name), again.tensor(name));
        }
      }
    }
  }

  @Test
  void nothingIsAFileToo() {
    Path path = folder.resolve("empty.safetensors");
    CheckpointWriter.write(path, List.of(), Map.of());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(List.of(), file.names());
    }
  }

  @Test
  void namesThatCannotBe() {
    Path path = folder.resolve("out.safetensors");
    RawTensor taken = tensor("__metadata__", DType.U8, 1);
    RawTensor half = tensor("a\ud83d", DType.U8, 1);
    for (List<RawTensor> bad : List.of(List.of(BYTES, BYTES), List.of(taken), List.of(half))) {
      assertThrows(
          IllegalArgumentException.class, () -> CheckpointWriter.write(path, bad, Map.of()));
    }
    assertTrue(Files.notExists(path));
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path path = folder.resolve("out.safetensors");
    CheckpointWriter.write(path, List.of(FLOATS), Map.of());
    byte[] before = Files.readAllBytes(path);
    Arena closed = Arena.ofConfined();
    RawTensor gone = new RawTensor("gone", DType.U8, new long[] {4}, closed.allocate(4));
    closed.close();
    assertThrows(
        IllegalStateException.class,
        () -> CheckpointWriter.write(path, List.of(LONGS, gone), Map.of()));
    assertArrayEquals(before, Files.readAllBytes(path));
    Path occupied = Files.createDirectories(folder.resolve("taken/by a folder")).getParent();
    assertThrows(
        UncheckedIOException.class,
        () -> CheckpointWriter.write(occupied, List.of(LONGS), Map.of()));
    Path nowhere = folder.resolve("no folder/out.safetensors");
    String message =
        assertThrows(
                UncheckedIOException.class,
                () -> CheckpointWriter.write(nowhere, List.of(LONGS), Map.of()))
            .getMessage();
    assertTrue(message.startsWith(nowhere.toString()), message);
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count(), "a temporary file was left");
    }
  }

  @Test
  void shardsAreFilledInOrderAndComeBackWhole() throws IOException {
    List<RawTensor> tensors =
        List.of(BYTES, FLOATS, LONGS, tensor("big", DType.F32, 100), tensor("c", DType.U8, 21));
    Path index =
        CheckpointWriter.writeShards(folder.resolve("new"), tensors, Map.of("format", "pt"), 24);
    try (SafetensorsShards shards = SafetensorsShards.open(index)) {
      assertEquals(List.of("a", "b", "big", "c", "z"), shards.names());
      assertEquals(Map.of("format", "pt"), shards.metadata());
      for (RawTensor t : tensors) {
        assertSame(t, shards.tensor(t.name()));
      }
    }
    // z and a fill one; big is larger than any; b and c fill the last.
    Path first = index.resolveSibling("model-00001-of-00003.safetensors");
    try (SafetensorsFile file = SafetensorsFile.open(first)) {
      assertEquals(List.of("z", "a"), file.names());
    }
    assertTrue(Files.readString(index).startsWith("{\"metadata\":{\"total_size\":448}"));
    assertThrows(
        IllegalArgumentException.class,
        () -> CheckpointWriter.writeShards(folder, tensors, Map.of(), 0));
  }

  private static void assertSame(RawTensor expected, RawTensor actual) {
    assertEquals(expected.toString(), actual.toString());
    assertEquals(-1, expected.data().mismatch(actual.data()), expected.toString());
  }
}
