package dev.sinter.checkpoint;

import static dev.sinter.checkpoint.OnnxFormat.GRAPH_INITIALIZER;
import static dev.sinter.checkpoint.OnnxFormat.MODEL_GRAPH;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_DATA_TYPE;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_DIMS;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_FLOAT_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_INT32_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_INT64_DATA;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_NAME;
import static dev.sinter.checkpoint.OnnxFormat.TENSOR_RAW_DATA;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxMalformedTest {
  private static final int FLOAT = 1;
  private static final int UINT8 = 2;
  private static final int INT32 = 6;

  @TempDir Path folder;

  @FunctionalInterface
  private interface Body {
    void write(CodedOutputStream out) throws IOException;
  }

  @Test
  void theBuilderOfTheseTestsWritesWhatIsRead() throws IOException {
    Path file = write(model(tensor("w", FLOAT, new long[] {1, 2}, raw(8))));
    try (OnnxInitializers onnx = OnnxInitializers.open(file)) {
      assertEquals("w F32 [1, 2]", onnx.tensor("w").toString());
    }
  }

  @Test
  void fieldsMayComeInAnyOrder() throws IOException {
    byte[] tensor =
        bytes(
            out -> {
              out.writeByteArray(TENSOR_RAW_DATA, new byte[8]);
              out.writeString(TENSOR_NAME, "w");
              out.writeInt32(TENSOR_DATA_TYPE, FLOAT);
              out.writeInt64(TENSOR_DIMS, 2);
            });
    try (OnnxInitializers onnx = OnnxInitializers.open(write(model(tensor)))) {
      assertEquals("w F32 [2]", onnx.tensor("w").toString());
    }
  }

  @Test
  void notAModel() throws IOException {
    assertRefused("has no graph", new byte[0]);
    assertRefused("", "{\"this\": \"is JSON\"}".getBytes(StandardCharsets.UTF_8));
    assertRefused("cannot be read", folder.resolve("absent.onnx"));
  }

  @Test
  void shapeAndDataDisagree() throws IOException {
    assertRefused("needs 24 bytes of data, the file has 20", FLOAT, new long[] {2, 3}, raw(20));
    assertRefused("needs 24 bytes of data, the file has 28", FLOAT, new long[] {2, 3}, raw(28));
    assertRefused("needs 4 bytes of data, the file has 0", FLOAT, new long[] {}, out -> {});
    assertRefused(
        "needs 12 bytes of data, the file has 8",
        FLOAT,
        new long[] {3},
        out -> {
          out.writeFloat(TENSOR_FLOAT_DATA, 1);
          out.writeFloat(TENSOR_FLOAT_DATA, 2);
        });
  }

  @Test
  void shapesThatCannotBe() throws IOException {
    assertRefused("negative dimension -3", FLOAT, new long[] {2, -3}, raw(24));
    assertRefused("more elements than", FLOAT, new long[] {1L << 40, 1L << 40}, raw(4));
    assertRefused("more elements than", FLOAT, new long[] {Long.MAX_VALUE}, raw(4));
    assertRefused("needs 4398046511104 bytes", FLOAT, new long[] {1L << 40}, raw(4));
    assertRefused("more than 16 dimensions", FLOAT, new long[1000], raw(0));
  }

  @Test
  void typedValuesThatDoNotFit() throws IOException {
    assertRefused(
        "value 1 is out of range for U8",
        UINT8,
        new long[] {2},
        out -> {
          out.writeInt32(TENSOR_INT32_DATA, 255);
          out.writeInt32(TENSOR_INT32_DATA, 256);
        });
    assertRefused(
        "U8 values belong in field 5, the file has them in 7",
        UINT8,
        new long[] {1},
        out -> out.writeInt64(TENSOR_INT64_DATA, 1));
    assertRefused(
        "values in several typed fields",
        UINT8,
        new long[] {2},
        out -> {
          out.writeInt32(TENSOR_INT32_DATA, 1);
          out.writeInt64(TENSOR_INT64_DATA, 1);
        });
    assertRefused(
        "float_data of 7 bytes",
        FLOAT,
        new long[] {2},
        out -> out.writeByteArray(TENSOR_FLOAT_DATA, new byte[7]));
    assertRefused(
        "both in raw_data and in a typed field",
        FLOAT,
        new long[] {1},
        out -> {
          raw(4).write(out);
          out.writeFloat(TENSOR_FLOAT_DATA, 1);
        });
  }

  @Test
  void names() throws IOException {
    byte[] w = tensor("w", FLOAT, new long[] {1}, raw(4));
    CheckpointException twice = assertRefused("two tensors have this name", model(w, w));
    assertEquals("w", twice.tensor());
    assertTrue(twice.offset() > w.length, "the offset is that of the second: " + twice);
    assertRefused("without a name", model(tensor("", FLOAT, new long[] {1}, raw(4))));
    assertRefused(
        "a name of 70000 bytes", model(tensor("w".repeat(70_000), FLOAT, new long[] {1}, raw(4))));
  }

  @Test
  void aLengthPastTheEndIsRefusedBeforeAnythingIsAllocated() throws IOException {
    byte[] tensor =
        bytes(
            out -> {
              out.writeTag(TENSOR_RAW_DATA, 2);
              out.writeUInt32NoTag(Integer.MAX_VALUE);
            });
    CheckpointException e = assertRefused("a field of 2147483647 bytes", model(tensor));
    assertTrue(e.offset() > 0, e.getMessage());
    byte[] negative =
        bytes(
            out -> {
              out.writeTag(TENSOR_RAW_DATA, 2);
              out.writeUInt32NoTag(-1);
            });
    assertRefused("a field of 4294967295 bytes", model(negative));
  }

  @Test
  void tooLargeForProtobuf() throws IOException {
    Path file = folder.resolve("sparse.onnx");
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.setLength(3L << 30);
    }
    assertRefused("limited to 2 GiB", file);
  }

  @Test
  void aJarThatLiesAboutTheSize() throws IOException {
    Path jar = folder.resolve("lying.jar");
    byte[] content = model(tensor("w", FLOAT, new long[] {2}, raw(8)));
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      zip.putNextEntry(new ZipEntry("m.onnx"));
      zip.write(content);
      zip.closeEntry();
    }
    byte[] bytes = Files.readAllBytes(jar);
    int central = indexOf(bytes, new byte[] {'P', 'K', 1, 2});
    bytes[central + 27] = 0x70; // the top byte of the uncompressed size
    Files.write(jar, bytes);
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> OnnxInitializers.open(jar, "m.onnx"));
    assertTrue(e.reason().contains("claims to inflate"), e.getMessage());
  }

  @Test
  void noPrefixOfAModelIsTakenForAModel() throws IOException {
    byte[] whole = resource("types.onnx");
    int graph = indexOf(whole, new byte[] {(MODEL_GRAPH << 3) | 2});
    for (int length = 0; length < whole.length; length++) {
      byte[] prefix = Arrays.copyOf(whole, length);
      Path file = write(prefix);
      try (OnnxInitializers onnx = OnnxInitializers.open(file)) {
        // Only fields after the graph may be missing.
        assertTrue(length > graph + 1000, "opened with " + length + " of " + whole.length);
        assertEquals(18, onnx.names().size());
      } catch (CheckpointException e) {
        assertEquals(file.toString(), e.file());
      }
    }
  }

  /** Found by HostileFilesTest: the library drops the bits that a number has too many. */
  @Test
  void numbersOfMoreBitsThanTheyMayHave() throws IOException {
    // 2^32 + 8 bytes of raw data, which readRawVarint32 takes for 8.
    byte[] length =
        bytes(
            out -> {
              tensorHead(out);
              out.writeTag(TENSOR_RAW_DATA, 2);
              out.writeUInt64NoTag((1L << 32) + 8);
              out.writeRawBytes(new byte[8]);
            });
    assertRefused("a field of 4294967304 bytes", model(length));
    // A tag that is TENSOR_RAW_DATA only in its lower 32 bits.
    byte[] tag =
        bytes(
            out -> {
              tensorHead(out);
              out.writeUInt64NoTag((1L << 32) + (TENSOR_RAW_DATA << 3 | 2));
              out.writeByteArrayNoTag(new byte[8]);
            });
    assertRefused("field number 536870921", model(tag));
    // -1 is nine bytes FF and a 01; here the last is another, and there is an eleventh.
    for (byte[] end : new byte[][] {{2}, {0x7F}, {(byte) 0x81, 0}}) {
      byte[] integers =
          bytes(
              out -> {
                out.writeString(TENSOR_NAME, "w");
                out.writeInt64(TENSOR_DIMS, 1);
                out.writeInt32(TENSOR_DATA_TYPE, INT32);
                out.writeTag(TENSOR_INT32_DATA, 0);
                for (int i = 0; i < 9; i++) {
                  out.writeRawByte(0xFF);
                }
                out.writeRawBytes(end);
              });
      assertRefused("more than 64 bits", model(integers));
    }
  }

  private static void tensorHead(CodedOutputStream out) throws IOException {
    out.writeString(TENSOR_NAME, "w");
    out.writeInt64(TENSOR_DIMS, 2);
    out.writeInt32(TENSOR_DATA_TYPE, FLOAT);
  }

  @Test
  void namesThatAreNotUtf8() throws IOException {
    byte[] tensor =
        bytes(
            out -> {
              out.writeByteArray(TENSOR_NAME, new byte[] {'w', (byte) 0xFF});
              out.writeInt32(TENSOR_DATA_TYPE, FLOAT);
              raw(4).write(out);
            });
    assertRefused("not UTF-8", model(tensor));
  }

  @Test
  void groupsAndUnknownWireTypes() throws IOException {
    for (int wire : new int[] {3, 4, 6, 7}) {
      byte[] field = bytes(out -> out.writeTag(100, wire));
      assertRefused("wire type " + wire, model(field));
    }
  }

  private CheckpointException assertRefused(String reason, int type, long[] dims, Body data)
      throws IOException {
    CheckpointException e = assertRefused(reason, model(tensor("w", type, dims, data)));
    assertEquals("w", e.tensor(), e.getMessage());
    assertTrue(e.offset() > 0, e.getMessage());
    return e;
  }

  private CheckpointException assertRefused(String reason, byte[] file) throws IOException {
    return assertRefused(reason, write(file));
  }

  private static CheckpointException assertRefused(String reason, Path file) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> OnnxInitializers.open(file));
    assertEquals(file.toString(), e.file());
    assertTrue(e.reason().contains(reason), e.getMessage());
    return e;
  }

  private Path write(byte[] content) throws IOException {
    return Files.write(folder.resolve("model.onnx"), content);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = OnnxMalformedTest.class.getResourceAsStream("/onnx/" + name)) {
      return in.readAllBytes();
    }
  }

  private static byte[] model(byte[]... tensors) {
    byte[] graph =
        bytes(
            out -> {
              for (byte[] t : tensors) {
                out.writeByteArray(GRAPH_INITIALIZER, t);
              }
            });
    return bytes(out -> out.writeByteArray(MODEL_GRAPH, graph));
  }

  private static byte[] tensor(String name, int type, long[] dims, Body data) {
    return bytes(
        out -> {
          out.writeString(TENSOR_NAME, name);
          for (long d : dims) {
            out.writeInt64(TENSOR_DIMS, d);
          }
          out.writeInt32(TENSOR_DATA_TYPE, type);
          data.write(out);
        });
  }

  private static Body raw(int length) {
    return out -> out.writeByteArray(TENSOR_RAW_DATA, new byte[length]);
  }

  private static byte[] bytes(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      body.write(out);
      out.flush();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  private static int indexOf(byte[] bytes, byte[] pattern) {
    for (int i = 0; i + pattern.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + pattern.length, pattern, 0, pattern.length)) {
        return i;
      }
    }
    throw new AssertionError("pattern not found");
  }
}
