package dev.sinter.checkpoint;

import static dev.sinter.checkpoint.SafetensorsBytes.resource;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads the file that {@code make_safetensors.py} wrote with the Python library. */
class SafetensorsFileTest {
  private static final int ELEMENTS = 12;

  @TempDir private Path folder;
  private Path types;

  @BeforeEach
  void copy() throws IOException {
    types =
        Files.write(
            folder.resolve("types.safetensors"), resource("/safetensors/types.safetensors"));
  }

  @ParameterizedTest
  @EnumSource
  void everyTypeHasTheValuesThatPyTorchWrote(DType dtype) {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      String name = dtype.name().toLowerCase();
      RawTensor t = file.tensor(name);
      assertEquals(dtype, t.dtype());
      assertArrayEquals(new long[] {3, 4}, t.shape());
      assertEquals(ELEMENTS * dtype.bytes(), file.info(name).bytes());
      for (int i = 0; i < ELEMENTS; i++) {
        String where = dtype + " element " + i;
        if (dtype.isFloating()) {
          assertEquals(i * 0.5f - 3, dtype.readFloat(t.data(), i), where);
        } else if (dtype == DType.BOOL) {
          assertEquals(i % 3 == 0 ? 1 : 0, integer(t, i), where);
        } else {
          assertEquals(dtype.name().startsWith("U") ? i : i - 6, integer(t, i), where);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"every.f8_e4m3", "every.f8_e5m2"})
  void everyEightBitFloatIsWhatPyTorchMakesOfIt(String name) {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      float[] expected = file.tensor(name + ".f32").toFloats();
      float[] actual = file.tensor(name).toFloats();
      assertEquals(256, actual.length);
      for (int i = 0; i < 256; i++) {
        boolean same =
            Float.isNaN(expected[i])
                ? Float.isNaN(actual[i])
                : Float.floatToRawIntBits(expected[i]) == Float.floatToRawIntBits(actual[i]);
        assertTrue(same, "code " + i + ": " + actual[i] + " instead of " + expected[i]);
      }
    }
  }

  @Test
  void integersAreNoFloats() {
    MemorySegment data = MemorySegment.ofArray(new byte[8]);
    assertThrows(IllegalArgumentException.class, () -> DType.I64.readFloat(data, 0));
  }

  @Test
  void namesShapesAndMetadata() {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      assertEquals(22, file.names().size());
      assertEquals("u64", file.names().getFirst());
      assertEquals(Map.of("format", "pt"), file.metadata());
      assertEquals(0, file.tensor("scalar").rank());
      assertArrayEquals(new float[] {7}, file.tensor("scalar").toFloats());
      assertArrayEquals(new long[] {0, 3}, file.tensor("empty").shape());
      String name = "name with \"quotes\" and ünïcode";
      assertArrayEquals(new float[] {1, 2}, file.tensor(name).toFloats());
      assertTrue(file.contains(name));
      assertFalse(file.contains("__metadata__"));
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> file.tensor("every.f8_e4m2"));
      assertTrue(e.reason().contains("[every.f8_e4m3, "), e.reason());
      assertThrows(CheckpointException.class, () -> file.info("absent"));
    }
  }

  @Test
  void dataIsAlignedAndReadOnce() {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      for (String name : file.names()) {
        assertEquals(0, file.tensor(name).data().address() % 64, name);
        assertSame(file.tensor(name), file.tensor(name), name);
      }
    }
  }

  @Test
  void afterCloseDataIsGoneNotWild() {
    SafetensorsFile file = SafetensorsFile.open(types);
    RawTensor t = file.tensor("f32");
    file.close();
    file.close();
    assertThrows(IllegalStateException.class, t::toFloats);
    assertThrows(IllegalStateException.class, () -> file.tensor("f32"));
    assertThrows(IllegalStateException.class, () -> file.tensor("f64"));
  }

  @Test
  void aFileThatShrinksMeanwhileIsAnError() throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      file.tensor("u64");
      try (RandomAccessFile f = new RandomAccessFile(types.toFile(), "rw")) {
        f.setLength(f.length() - 1);
      }
      CheckpointException e = assertThrows(CheckpointException.class, () -> file.tensor("bool"));
      assertEquals("bool", e.tensor());
      assertEquals(Files.size(types), e.offset());
      assertTrue(e.reason().contains("longer when it was opened"), e.reason());
      assertEquals(ELEMENTS, file.tensor("f64").elements(), "what is still there is read");
    }
  }

  @Test
  void aFileThatIsReplacedMeanwhileIsReadAsItWas() throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      CheckpointWriter.write(types, List.of(), Map.of());
      assertEquals(7, file.tensor("scalar").toFloats()[0]);
    }
    try (SafetensorsFile file = SafetensorsFile.open(types)) {
      assertEquals(List.of(), file.names());
    }
  }

  /** Sparse on the disk: 3 GiB of zeros, with marks around 2^31 and at the end. */
  @Test
  void offsetsPastTwoGigabytes() throws IOException {
    long first = 3L << 30;
    String header =
        "{"
            + SafetensorsBytes.tensor("big", "U8", "[" + first + "]", 0, first)
            + ","
            + SafetensorsBytes.tensor("last", "U8", "[4]", first, first + 4)
            + "}";
    byte[] head = SafetensorsBytes.file(header, 0);
    Path path = folder.resolve("big.safetensors");
    try (RandomAccessFile f = new RandomAccessFile(path.toFile(), "rw")) {
      f.write(head);
      f.setLength(head.length + first + 4);
      f.seek(head.length + first);
      f.write("mark".getBytes(StandardCharsets.US_ASCII));
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(first, file.info("big").elements());
      byte[] last = file.tensor("last").data().toArray(ValueLayout.JAVA_BYTE);
      assertEquals("mark", new String(last, StandardCharsets.US_ASCII));
    }
  }

  private static long integer(RawTensor t, int i) {
    return switch (t.dtype().bytes()) {
      case 1 -> t.data().get(ValueLayout.JAVA_BYTE, i);
      case 2 -> t.data().getAtIndex(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN), i);
      case 4 -> t.data().getAtIndex(ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN), i);
      default -> t.data().getAtIndex(ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN), i);
    };
  }
}
