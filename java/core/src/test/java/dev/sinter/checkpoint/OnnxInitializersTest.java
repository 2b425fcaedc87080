package dev.sinter.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sinter.tensor.DType;
import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxInitializersTest {
  @TempDir Path folder;

  @Test
  void linearsGetTheirPlaceInTheModelAsName() throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("linears.onnx"))) {
      assertEquals(
          List.of(
              "encoder.layer.0.attention.self.query.bias",
              "encoder.layer.0.attention.self.query.weight",
              "encoder.pooler.weight",
              "classifier.weight",
              "onnx::Gemm_13",
              "onnx::MatMul_14",
              "onnx::MatMul_15",
              "onnx::MatMul_16",
              "encoder.projection",
              "onnx::MatMul_17",
              "onnx::MatMul_18",
              "onnx::MatMul_19",
              "onnx::MatMul_20",
              "onnx::MatMul_21",
              "taken.weight"),
          onnx.names());
      assertTrue(onnx.contains("encoder.pooler.weight"));
      assertFalse(onnx.contains("onnx::MatMul_10"));
    }
  }

  @Test
  void weightsOfMatMulAreTransposedThoseOfATransposingGemmAreNot() throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("linears.onnx"))) {
      assertTransposed(onnx.tensor("encoder.layer.0.attention.self.query.weight"), 5, 3);
      assertTransposed(onnx.tensor("classifier.weight"), 2, 4);
      assertAsStored(onnx.tensor("encoder.pooler.weight"), 4, 2);
      assertAsStored(onnx.tensor("encoder.projection"), 2, 3);
      assertAsStored(onnx.tensor("onnx::MatMul_14"), 2, 3);
      assertSame(
          onnx.tensor("classifier.weight"),
          onnx.tensor("classifier.weight"),
          "a second request must not copy again");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "typed"})
  void everyTypeIsReadFromBothKindsOfStorage(String storage) throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("types.onnx"))) {
      for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
        RawTensor t = onnx.tensor(storage + "." + dtype.name().toLowerCase());
        assertEquals(dtype, t.dtype());
        assertAsStored(t, 2, 6);
      }
      RawTensor i8 = onnx.tensor(storage + ".i8");
      RawTensor u8 = onnx.tensor(storage + ".u8");
      RawTensor i32 = onnx.tensor(storage + ".i32");
      RawTensor i64 = onnx.tensor(storage + ".i64");
      assertEquals(
          List.of(DType.I8, DType.U8, DType.I32, DType.I64),
          List.of(i8.dtype(), u8.dtype(), i32.dtype(), i64.dtype()));
      for (int i = 0; i < 12; i++) {
        assertEquals(i - 6, i8.data().get(ValueLayout.JAVA_BYTE, i));
        assertEquals(i - 6 + 245, u8.data().get(ValueLayout.JAVA_BYTE, i) & 0xFF);
        assertEquals((i - 6) * 300_000_000, i32.data().getAtIndex(ValueLayout.JAVA_INT, i));
        assertEquals(
            (i - 6) * 1_000_000_000_000_000_000L, i64.data().getAtIndex(ValueLayout.JAVA_LONG, i));
      }
    }
  }

  @Test
  void scalarsAndEmptyTensorsAreTensorsToo() throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("types.onnx"))) {
      assertArrayEquals(new float[] {0}, onnx.tensor("scalar").toFloats());
      assertEquals(0, onnx.tensor("scalar").rank());
      assertArrayEquals(new long[] {0, 3}, onnx.tensor("empty").shape());
    }
  }

  @Test
  void whatIsNotSupportedIsListedAndRefusedByName() throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("types.onnx"))) {
      assertTrue(onnx.names().containsAll(List.of("double", "external")));
      CheckpointException type =
          assertThrows(CheckpointException.class, () -> onnx.tensor("double"));
      assertEquals("data type DOUBLE is not supported", type.reason());
      assertTrue(type.offset() > 0, type.getMessage());
      CheckpointException external =
          assertThrows(CheckpointException.class, () -> onnx.tensor("external"));
      assertTrue(external.reason().contains("external data"), external.getMessage());
    }
  }

  @Test
  void aMissingNameIsAnsweredWithTheNearest() throws IOException {
    try (OnnxInitializers onnx = OnnxInitializers.open(resource("linears.onnx"))) {
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> onnx.tensor("encoder.poler.weight"));
      assertTrue(e.reason().contains("nearest names are [encoder.pooler.weight, "), e.reason());
      assertEquals("encoder.poler.weight", e.tensor());
      assertEquals(CheckpointException.UNKNOWN_OFFSET, e.offset());
      assertTrue(e.getMessage().startsWith(onnx.file() + ", tensor encoder.poler.weight: "));
    }
  }

  @Test
  void anEntryOfAJarReadsLikeAFile() throws IOException {
    Path jar = folder.resolve("model.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("some/model.onnx"));
      Files.copy(resource("linears.onnx"), zip);
      zip.closeEntry();
    }
    try (OnnxInitializers onnx = OnnxInitializers.open(jar, "some/model.onnx")) {
      assertEquals(jar + "!/some/model.onnx", onnx.file());
      assertTransposed(onnx.tensor("encoder.layer.0.attention.self.query.weight"), 5, 3);
    }
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> OnnxInitializers.open(jar, "model.onnx"));
    assertEquals(jar + "!/model.onnx: no such entry", e.getMessage());
  }

  @Test
  void dataIsAligned() throws IOException {
    for (String file : List.of("linears.onnx", "types.onnx")) {
      try (OnnxInitializers onnx = OnnxInitializers.open(resource(file))) {
        for (String name : onnx.names()) {
          if (!List.of("double", "external").contains(name)) {
            assertEquals(0, onnx.tensor(name).data().address() % 64, name);
          }
        }
      }
    }
  }

  @Test
  void afterCloseDataIsGoneNotWild() throws IOException {
    OnnxInitializers onnx = OnnxInitializers.open(resource("linears.onnx"));
    RawTensor bias = onnx.tensor("encoder.layer.0.attention.self.query.bias");
    onnx.close();
    onnx.close();
    assertThrows(IllegalStateException.class, bias::toFloats);
    assertThrows(IllegalStateException.class, () -> onnx.tensor("classifier.weight"));
  }

  private static float value(int i, int n) {
    return i * 0.5f - n / 4;
  }

  private static void assertAsStored(RawTensor t, int rows, int columns) {
    assertArrayEquals(new long[] {rows, columns}, t.shape());
    float[] actual = t.toFloats();
    for (int i = 0; i < actual.length; i++) {
      assertEquals(value(i, actual.length), actual[i], t + " element " + i);
    }
  }

  /** The file has [rows, columns], the tensor must be [columns, rows]. */
  private static void assertTransposed(RawTensor t, int rows, int columns) {
    assertArrayEquals(new long[] {columns, rows}, t.shape());
    float[] actual = t.toFloats();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        assertEquals(value(r * columns + c, actual.length), actual[c * rows + r]);
      }
    }
  }

  private Path resource(String name) throws IOException {
    Path copy = folder.resolve(name);
    if (!Files.exists(copy)) {
      try (InputStream in = getClass().getResourceAsStream("/onnx/" + name)) {
        Files.copy(in, copy);
      }
    }
    return copy;
  }
}
