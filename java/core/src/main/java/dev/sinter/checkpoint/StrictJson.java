package dev.sinter.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Walks a JSON object whose layout is known. It is UTF-8 throughout, no object has a key twice, and
 * nothing follows it but blanks; whatever is unlike that, or unlike what is asked for, is a {@link
 * CheckpointException}. Nesting costs no stack: it is refused where it is not expected.
 */
final class StrictJson {
  // Names of tensors come from strangers: they must not fill the parser's tables of known names.
  private static final JsonFactory FACTORY =
      JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

  private final String file;
  private final long offset;
  private final JsonParser parser;
  private String tensor;

  private StrictJson(String file, long offset, JsonParser parser) {
    this.file = file;
    this.offset = offset;
    this.parser = parser;
  }

  /**
   * Reads one object that fills {@code json} up to blanks at its end.
   *
   * @param offset of {@code json} in the file, for messages
   * @param member called for each key, with the parser on its value, which it must consume by one
   *     call of {@link #object}, {@link #string}, {@link #integers} or {@link #skip}
   */
  static void read(String file, byte[] json, long offset, Member member) {
    int end = json.length;
    while (end > 0 && json[end - 1] == ' ') {
      end--;
    }
    if (end == 0 || json[0] != '{' || json[end - 1] != '}') {
      throw new CheckpointException(
          file, null, offset, "no JSON object with nothing but blanks behind it");
    }
    InputStreamReader text =
        new InputStreamReader(new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = FACTORY.createParser(text)) {
      StrictJson reader = new StrictJson(file, offset, parser);
      parser.nextToken();
      reader.object(key -> member.read(reader, key));
      reader.tensor = null;
      if (parser.nextToken() != null) {
        throw reader.fail("something follows the JSON object");
      }
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getCharOffset());
      throw new CheckpointException(
          file, null, offset + at, "malformed JSON: " + e.getOriginalMessage(), e);
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file, null, offset, "JSON that is not UTF-8", e);
    } catch (IOException e) {
      throw new CheckpointException(file, null, offset, "cannot be read: " + e, e);
    }
  }

  /** A member of the outermost object. */
  @FunctionalInterface
  interface Member {
    void read(StrictJson json, String key) throws IOException;
  }

  /** Reads a value of an object. */
  @FunctionalInterface
  interface Value {
    void read(String key) throws IOException;
  }

  /** Which tensor the next messages are about; null for none. */
  void about(String name) {
    tensor = name;
  }

  CheckpointException fail(String reason) {
    long at = Math.max(0, parser.currentLocation().getCharOffset());
    return new CheckpointException(file, tensor, offset + at, reason);
  }

  /** The members of an object, in order. */
  void object(Value value) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw fail("expected an object, found " + found());
    }
    Set<String> keys = new HashSet<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = wellFormed(parser.currentName());
      if (!keys.add(key)) {
        throw fail("\"" + key + "\" twice in one object");
      }
      parser.nextToken();
      value.read(key);
    }
  }

  String string(String what) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_STRING) {
      throw fail(what + " must be a string, found " + found());
    }
    return wellFormed(parser.getText());
  }

  /**
   * An array of integers from 0 to 2^63 - 1.
   *
   * @param most longest array to read
   */
  long[] integers(String what, int most) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw fail(what + " must be an array of integers, found " + found());
    }
    long[] values = new long[most];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == most) {
        throw fail(what + " has more than " + most + " values");
      }
      // By its text: -0 is no count, and larger ones than 64 bits hold must not wrap.
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || parser.getText().startsWith("-")) {
        throw fail(what + " must hold integers of at least 0, found " + found());
      }
      if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
        throw fail(what + " holds " + parser.getText() + ", more than 63 bits");
      }
      values[count++] = parser.getLongValue();
    }
    return Arrays.copyOf(values, count);
  }

  /** Passes over a value of any kind. */
  void skip() throws IOException {
    parser.skipChildren();
  }

  private String found() throws IOException {
    return parser.currentToken().isScalarValue() ? parser.getText() : parser.currentToken().name();
  }

  /** Half a surrogate pair, which an escape can smuggle in, has no UTF-8. */
  private String wellFormed(String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw fail("a string with half a surrogate pair");
    }
    return text;
  }
}
