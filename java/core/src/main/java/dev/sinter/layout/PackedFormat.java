package dev.sinter.layout;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * The file of a {@link PackedCache}, little-endian:
 *
 * <pre>
 *   0  8  magic
 *   8  4  version
 *  12  4  CRC-32C of the table
 *  16  8  offset of the table, which is the last thing in the file
 *  24  8  bytes of the table
 *  32  4  CRC-32C of bytes 0 to 31
 * 4096    payloads, each at a multiple of 4096
 *         the table, JSON: {"key":[...],"entries":[{"name","layout","offset","bytes","sums":[...]}]}
 * </pre>
 *
 * The sums of an entry are the CRC-32C of its bytes, {@link #PIECE} at a time.
 */
final class PackedFormat {
  static final long MAGIC = 0x4b50_5245_544e_4953L; // "SINTERPK"

  /** Of the format; what is in the entries has names of its own for that. */
  static final int VERSION = 1;

  static final int HEAD_BYTES = 36;
  static final long PAGE = 4096;

  /** Small enough that all workers have some to check, and that a piece is an int of bytes. */
  static final int PIECE = 4 << 20;

  /** No table is as long: an entry takes some hundred bytes. */
  private static final long MAX_TABLE_BYTES = 64L << 20;

  private static final JsonFactory JSON = new JsonFactory();

  private PackedFormat() {}

  /**
   * Where a tensor lies.
   *
   * @param sums CRC-32C of its pieces
   */
  record Entry(String layout, long offset, long bytes, int[] sums) {}

  /** The table of a file. */
  record Table(List<String> key, Map<String, Entry> entries) {}

  /** Where the table is. */
  record Head(long offset, int bytes, int sum) {
    ByteBuffer encode() {
      ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      head.putLong(MAGIC).putInt(VERSION).putInt(sum).putLong(offset).putLong(bytes);
      head.putInt(crc(head.duplicate().flip()));
      return head.flip();
    }

    /**
     * @param size of the file
     * @throws IOException if it is not one of ours, or not whole; the message says why
     */
    static Head decode(ByteBuffer bytes, long size) throws IOException {
      ByteBuffer head = bytes.order(ByteOrder.LITTLE_ENDIAN);
      if (head.remaining() < HEAD_BYTES || head.getLong(0) != MAGIC) {
        throw new IOException("is no file of packed weights");
      }
      if (head.getInt(8) != VERSION) {
        throw new IOException("has version " + head.getInt(8) + " instead of " + VERSION);
      }
      if (crc(head.slice(0, HEAD_BYTES - 4)) != head.getInt(HEAD_BYTES - 4)) {
        throw new IOException("has a damaged head");
      }
      long offset = head.getLong(16);
      long length = head.getLong(24);
      if (offset < PAGE || length < 0 || length > MAX_TABLE_BYTES || offset != size - length) {
        throw new IOException(
            "has " + size + " bytes instead of " + offset + " and a table of " + length);
      }
      return new Head(offset, (int) length, head.getInt(12));
    }
  }

  static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  static byte[] encode(Table table) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out, JsonEncoding.UTF8)) {
      json.writeStartObject();
      json.writeArrayFieldStart("key");
      for (String part : table.key()) {
        json.writeString(part);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("entries");
      for (Map.Entry<String, Entry> e : table.entries().entrySet()) {
        json.writeStartObject();
        json.writeStringField("name", e.getKey());
        json.writeStringField("layout", e.getValue().layout());
        json.writeNumberField("offset", e.getValue().offset());
        json.writeNumberField("bytes", e.getValue().bytes());
        json.writeFieldName("sums");
        json.writeArray(e.getValue().sums(), 0, e.getValue().sums().length);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    return out.toByteArray();
  }

  /**
   * @param end of the payloads
   * @throws IOException if the table is not what {@link #encode} makes
   */
  static Table decode(byte[] bytes, long end) throws IOException {
    List<String> key = new ArrayList<>();
    Map<String, Entry> entries = new LinkedHashMap<>();
    try (JsonParser in = JSON.createParser(bytes)) {
      expect(in, JsonToken.START_OBJECT);
      field(in, "key", JsonToken.START_ARRAY);
      while (in.nextToken() == JsonToken.VALUE_STRING) {
        key.add(in.getText());
      }
      field(in, "entries", JsonToken.START_ARRAY);
      while (in.nextToken() == JsonToken.START_OBJECT) {
        field(in, "name", JsonToken.VALUE_STRING);
        String name = in.getText();
        if (entries.put(name, entry(in, name, end)) != null) {
          throw new IOException("has " + name + " twice");
        }
        expect(in, JsonToken.END_OBJECT);
      }
      expect(in, JsonToken.END_OBJECT);
    }
    return new Table(key, entries);
  }

  private static Entry entry(JsonParser in, String name, long end) throws IOException {
    field(in, "layout", JsonToken.VALUE_STRING);
    String layout = in.getText();
    field(in, "offset", JsonToken.VALUE_NUMBER_INT);
    long offset = in.getLongValue();
    field(in, "bytes", JsonToken.VALUE_NUMBER_INT);
    long length = in.getLongValue();
    if (offset < PAGE
        || offset % PAGE != 0
        || length < 1
        || length > end
        || offset > end - length) {
      throw new IOException("has " + length + " bytes of " + name + " at " + offset);
    }
    field(in, "sums", JsonToken.START_ARRAY);
    List<Integer> sums = new ArrayList<>();
    while (in.nextToken() == JsonToken.VALUE_NUMBER_INT) {
      sums.add(in.getIntValue());
    }
    if (sums.size() != Math.ceilDiv(length, PIECE)) {
      throw new IOException("has " + sums.size() + " sums of " + name);
    }
    return new Entry(layout, offset, length, sums.stream().mapToInt(s -> s).toArray());
  }

  private static void field(JsonParser in, String name, JsonToken value) throws IOException {
    expect(in, JsonToken.FIELD_NAME);
    if (!in.currentName().equals(name)) {
      throw new IOException("has a field " + in.currentName() + " instead of " + name);
    }
    expect(in, value);
  }

  private static void expect(JsonParser in, JsonToken token) throws IOException {
    if (in.nextToken() != token) {
      throw new IOException("has " + in.currentToken() + " in its table instead of " + token);
    }
  }
}
