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
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsMalformedTest {
  private static final String W = tensor("w", "F32", "[2]", 0, 8);

  @TempDir private Path folder;

  @Test
  void theBuilderOfTheseTestsWritesWhatIsRead() throws IOException {
    assertAccepted(file("{" + W + "}", 8));
    assertAccepted(file("{" + W + "}    ", 8));
    assertAccepted(file("{ \"__metadata__\" : {} , " + W + "\n}", 8));
    assertAccepted(file("{}", 0));
    // Tensors without elements lie anywhere between others.
    assertAccepted(file("{" + W + "," + tensor("e", "I8", "[0,9]", 8, 8) + "}", 8));
    assertAccepted(file("{" + W + "," + tensor("e", "I8", "[0,9]", 0, 0) + "}", 8));
  }

  @Test
  void lengths() throws IOException {
    byte[] header = ("{" + W + "}").getBytes(StandardCharsets.UTF_8);
    assertRefused("has 0 bytes", null, new byte[0]);
    assertRefused("has 7 bytes", null, new byte[7]);
    assertRefused("no JSON object", null, new byte[8]);
    assertRefused("claims a header of 100000001 bytes", null, file(100_000_001, header, 8));
    assertRefused("claims a header of 18446744073709551615", null, file(-1, header, 8));
    assertRefused("claims a header of 9223372036854775807", null, file(Long.MAX_VALUE, header, 8));
    assertRefused("has 62 more", null, file(65, header, 8));
    assertRefused("no JSON object", null, file(header.length + 1, header, 8));
    assertRefused("malformed JSON", null, file(header.length - 1, header, 8));
    assertRefused("cannot be read", null, folder.resolve("absent.safetensors"));
    assertRefused("cannot be read", null, folder);
  }

  @Test
  void aHeaderTooLargeIsRefusedThoughTheFileHasIt() throws IOException {
    Path path = folder.resolve("large.safetensors");
    try (RandomAccessFile f = new RandomAccessFile(path.toFile(), "rw")) {
      f.write(file(100_000_001, new byte[0], 0));
      f.setLength(1L << 28);
    }
    assertRefused("at most 100000000 are read", null, path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "[]",
        "null",
        "7",
        "\"w\"",
        " {}",
        "{",
        "}",
        "{}}",
        "{} {}",
        "{}x",
        "{}\n",
        "{}\t",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{'a':{}}",
        "{a:{}}",
        "{//\n}",
        "{\"a\\u00\":1}",
        "{\"\u0001\":1}",
        "\uFEFF{}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},}"
      })
  void notAJsonObject(String header) throws IOException {
    assertRefused("JSON", null, file(header, 8));
  }

  @Test
  void notUtf8() throws IOException {
    String[] sequences = {"C080", "E08080", "EDA080", "F5808080", "FF", "C3", "80", "E282"};
    for (String hex : sequences) {
      String header = "{" + tensor("?", "F32", "[2]", 0, 8) + "}";
      byte[] bad = HexFormat.of().parseHex(hex);
      byte[] bytes = header.replace("?", "?".repeat(bad.length)).getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bad, 0, bytes, 2, bad.length);
      assertRefused("not UTF-8", null, file(bytes, 8));
    }
    assertRefused("JSON", null, file("{}".getBytes(StandardCharsets.UTF_16LE), 0));
    assertRefused("half a surrogate pair", null, file("{" + W.replace("w", "\\ud83d") + "}", 8));
    assertRefused(
        "half a surrogate pair", null, file("{\"__metadata__\":{\"a\":\"\\ude00\"}," + W + "}", 8));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 100_000})
  void deepNesting(int depth) throws IOException {
    String arrays = "[".repeat(depth) + "]".repeat(depth);
    String objects = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
    assertRefused("expected an object", "w", file("{\"w\":" + arrays + "}", 8));
    assertRefused("unknown key", "w", file("{\"w\":" + objects + "}", 8));
    assertRefused("shape", "w", file("{\"w\":{\"shape\":" + arrays + "}}", 8));
    assertRefused("must be a string", null, file("{\"__metadata__\":" + objects + "}", 8));
  }

  @Test
  void names() throws IOException {
    String twice = "{" + W + "," + tensor("w", "F32", "[2]", 8, 16) + "}";
    assertRefused("\"w\" twice", null, file(twice, 16));
    assertRefused("\"w\" twice", null, file("{" + W + "," + W + "}", 8));
    // The same name in other letters.
    assertRefused("\"w\" twice", null, file("{" + W + "," + W.replace("w", "\\u0077") + "}", 8));
    assertRefused("JSON", null, file("{" + W.replace("w", "w".repeat(60_000)) + "}", 8));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "unknown key 'extra'      | {D,'shape':[2],O:[0,8],'extra':1}",
        "'dtype' twice            | {D,D,'shape':[2],O:[0,8]}",
        "needs dtype                | {'shape':[2],O:[0,8]}",
        "needs dtype                | {D,O:[0,8]}",
        "needs dtype                | {D,'shape':[2]}",
        "needs dtype                | {}",
        "expected an object         | null",
        "expected an object         | [0,8]",
        "dtype must be a string     | {'dtype':4,'shape':[2],O:[0,8]}",
        "dtype must be a string     | {'dtype':null,'shape':[2],O:[0,8]}",
        "data type 'f32' is not   | {'dtype':'f32','shape':[2],O:[0,8]}",
        "data type 'C64' is not   | {'dtype':'C64','shape':[1],O:[0,8]}",
        "data type 'F4' is not    | {'dtype':'F4','shape':[16],O:[0,8]}",
        "shape must be an array     | {D,'shape':2,O:[0,8]}",
        "shape must be an array     | {D,'shape':{},O:[0,8]}",
        "integers of at least 0     | {D,'shape':[-2],O:[0,8]}",
        "integers of at least 0     | {D,'shape':[-0],O:[0,8]}",
        "integers of at least 0     | {D,'shape':[2.0],O:[0,8]}",
        "integers of at least 0     | {D,'shape':[2e0],O:[0,8]}",
        "integers of at least 0     | {D,'shape':['2'],O:[0,8]}",
        "integers of at least 0     | {D,'shape':[true],O:[0,8]}",
        "integers of at least 0     | {D,'shape':[[2]],O:[0,8]}",
        "malformed JSON             | {D,'shape':[02],O:[0,8]}",
        "more than 63 bits          | {D,'shape':[9223372036854775808],O:[0,8]}",
        "more than 63 bits          | {D,'shape':[18446744073709551618],O:[0,8]}",
        "more bytes than            | {D,'shape':[9223372036854775807],O:[0,8]}",
        "more bytes than            | {D,'shape':[4294967296,4294967296],O:[0,8]}",
        "more bytes than            | {D,'shape':[4294967296,4294967296,0],O:[0,8]}",
        "needs 12 bytes             | {D,'shape':[3],O:[0,8]}",
        "needs 4 bytes              | {D,'shape':[],O:[0,8]}",
        "needs 0 bytes              | {D,'shape':[2,0],O:[0,8]}",
        "needs 4 bytes              | {'dtype':'F16','shape':[2],O:[0,8]}",
        "are no range               | {D,'shape':[2],O:[8,0]}",
        "are no range               | {D,'shape':[2],O:[0]}",
        "are no range               | {D,'shape':[2],O:[]}",
        "has more than 2 values     | {D,'shape':[2],O:[0,8,8]}",
        "integers of at least 0     | {D,'shape':[2],O:[-8,0]}",
        "past the end of any file   | {D,'shape':[2],O:[9223372036854775799,9223372036854775807]}",
      })
  void members(String reason, String entry) throws IOException {
    String json = entry.replace("D", "'dtype':'F32'").replace("O:", "'data_offsets':");
    String header = ("{'w':" + json + "}").replace('\'', '"');
    CheckpointException e = assertRefused(reason.replace('\'', '"'), null, file(header, 8));
    assertTrue("w".equals(e.tensor()) || reason.startsWith("malformed"), e.getMessage());
  }

  @Test
  void moreDimensionsThanAnybodyHas() throws IOException {
    String ones = "[1" + ",1".repeat(63) + "]";
    assertAccepted(file("{" + tensor("w", "F64", ones, 0, 8) + "}", 8));
    String more = ones.replace("]", ",1]");
    assertRefused("more than 64 values", "w", file("{" + tensor("w", "F64", more, 0, 8) + "}", 8));
  }

  @Test
  void layouts() throws IOException {
    String next = tensor("v", "I8", "[4]", 8, 12);
    assertAccepted(file("{" + next + "," + W + "}", 12));
    assertRefused("4 bytes past the end", "w", file("{" + W + "}", 4));
    assertRefused("1 bytes at the end belong to no tensor", null, file("{" + W + "}", 9));
    assertRefused("4 bytes at the end belong to no tensor", null, file("{}", 4));
    assertRefused(
        "4 bytes before it belong to no tensor",
        "w",
        file("{" + W.replace("[0,8]", "[4,12]") + "}", 12));
    assertRefused(
        "shares 1 bytes with another",
        "v",
        file("{" + W + "," + next.replace("[8,12]", "[7,11]") + "}", 11));
    assertRefused(
        "shares 8 bytes with another",
        "v",
        file("{" + W + "," + tensor("v", "F32", "[2]", 0, 8) + "}", 8));
    assertRefused(
        "1 bytes before it", "v", file("{" + W + "," + next.replace("[8,12]", "[9,13]") + "}", 13));
    // No bytes of its own, and yet inside another.
    assertRefused(
        "shares 4 bytes", "e", file("{" + W + "," + tensor("e", "I8", "[0]", 4, 4) + "}", 8));
    assertRefused(
        "1 bytes before it", "e", file("{" + W + "," + tensor("e", "I8", "[0]", 9, 9) + "}", 8));
  }

  @Test
  void offsetsInTheMessagePointIntoTheFile() throws IOException {
    byte[] bytes = file("{" + W + "," + W.replace("\"w\"", "\"v\"").replace("F32", "F99") + "}", 8);
    CheckpointException e = assertRefused("F99", "v", bytes);
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("F99");
    assertTrue(
        e.offset() >= at && e.offset() < bytes.length - 8, e.getMessage() + ", F99 at " + at);
    CheckpointException past = assertRefused("past the end", "w", file("{" + W + "}", 4));
    assertEquals(8 + ("{" + W + "}").length(), past.offset());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "[]",
        "\"a\"",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":{}}",
        "{\"a\":[\"b\"]}",
        "{\"a\":\"b\",\"a\":\"b\"}"
      })
  void metadata(String value) throws IOException {
    assertRefused("", null, file("{\"__metadata__\":" + value + "," + W + "}", 8));
  }

  @Test
  void metadataTwice() throws IOException {
    assertRefused(
        "\"__metadata__\" twice",
        null,
        file("{\"__metadata__\":{}," + W + ",\"__metadata__\":{}}", 8));
  }

  @Test
  void noPrefixOfAFileIsTakenForAFile() throws IOException {
    byte[] whole = SafetensorsBytes.resource("/safetensors/types.safetensors");
    for (int length = 0; length < whole.length; length++) {
      byte[] prefix = Arrays.copyOf(whole, length);
      assertRefused("", null, prefix);
    }
  }

  private void assertAccepted(byte[] bytes) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(write(bytes))) {
      for (String name : file.names()) {
        file.tensor(name);
      }
    }
  }

  private CheckpointException assertRefused(String reason, String tensor, byte[] bytes)
      throws IOException {
    return assertRefused(reason, tensor, write(bytes));
  }

  private static CheckpointException assertRefused(String reason, String tensor, Path path) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> SafetensorsFile.open(path));
    assertEquals(path.toString(), e.file());
    assertTrue(e.reason().contains(reason), e.getMessage());
    if (tensor != null) {
      assertEquals(tensor, e.tensor(), e.getMessage());
    }
    assertTrue(e.offset() >= 0, e.getMessage());
    return e;
  }

  private Path write(byte[] content) throws IOException {
    Path path = folder.resolve("model.safetensors");
    Files.deleteIfExists(path); // some file systems are slow at truncating
    return Files.write(path, content);
  }
}
