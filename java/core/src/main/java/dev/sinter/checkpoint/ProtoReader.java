package dev.sinter.checkpoint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Walks the wire format of a protobuf message without generated classes. Every length is checked
 * against what is left of the enclosing message before anything of that size is allocated.
 */
final class ProtoReader {
  /** Called once a field; must consume its value, or return false to have it skipped. */
  @FunctionalInterface
  interface Fields {
    boolean read(int number, int wireType);
  }

  private static final int BUFFER = 1 << 16;
  private static final int MAX_STRING = 1 << 16;
  private static final int MAX_DEPTH = 32;
  private static final int TAG_TYPE_BITS = 3;
  private static final int VARINT_BITS = 7;
  private static final int MAX_FIELD_NUMBER = (1 << 29) - 1;

  private final String file;
  private final CodedInputStream in;
  private int depth;

  /**
   * @param size bytes that {@code in} must have
   */
  ProtoReader(String file, InputStream in, long size) {
    this.file = file;
    this.in = CodedInputStream.newInstance(in, BUFFER);
    if (size > Integer.MAX_VALUE) {
      throw fail(
          null,
          "has "
              + size
              + " bytes; a protobuf message is limited to 2 GiB, larger models"
              + " keep their weights in external data");
    }
    push((int) size);
  }

  CheckpointException fail(String tensor, String reason) {
    return new CheckpointException(file, tensor, offset(), reason);
  }

  long offset() {
    return in.getTotalBytesRead();
  }

  /** Reads the fields of the current message up to its end. */
  void fields(Fields fields) {
    try {
      while (!in.isAtEnd()) {
        // The library's own readTag drops the bits above 32.
        long tag = rawVarint();
        long number = tag >>> TAG_TYPE_BITS;
        if (number == 0 || number > MAX_FIELD_NUMBER) {
          throw fail(null, "not a protobuf message: field number " + number);
        }
        int wireType = (int) tag & ((1 << TAG_TYPE_BITS) - 1);
        if (!fields.read((int) number, wireType)) {
          skipValue(wireType);
        }
      }
    } catch (IOException e) {
      throw malformed(e);
    }
    if (in.getBytesUntilLimit() != 0) {
      throw fail(null, "truncated: " + in.getBytesUntilLimit() + " bytes are missing");
    }
  }

  /** The library's readRawVarint64 takes whatever the tenth byte holds for a 1. */
  private long rawVarint() throws IOException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += VARINT_BITS) {
      byte b = in.readRawByte();
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        if (shift + VARINT_BITS > Long.SIZE && b > 1) {
          break;
        }
        return value;
      }
    }
    throw fail(null, "not a protobuf message: a number of more than 64 bits");
  }

  private void skipValue(int wireType) throws IOException {
    switch (wireType) {
      case WireFormat.WIRETYPE_VARINT -> rawVarint();
      case WireFormat.WIRETYPE_FIXED64 -> in.skipRawBytes(Long.BYTES);
      case WireFormat.WIRETYPE_FIXED32 -> in.skipRawBytes(Integer.BYTES);
      case WireFormat.WIRETYPE_LENGTH_DELIMITED -> in.skipRawBytes(length(wireType));
      // Groups, which ONNX never had, among them.
      default -> throw fail(null, "not an ONNX model: wire type " + wireType);
    }
  }

  /** Reads an embedded message. */
  void message(int wireType, Fields fields) {
    int length = length(wireType);
    if (depth >= MAX_DEPTH) {
      throw fail(null, "messages are nested more than " + MAX_DEPTH + " deep");
    }
    depth++;
    int outer = push(length);
    fields(fields);
    in.popLimit(outer);
    depth--;
  }

  /** The length of a length-delimited value; it lies within the enclosing message. */
  int length(int wireType) {
    expect(wireType, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    try {
      // All 64 bits: the library's readRawVarint32 would take 2^32 + 5 for 5.
      long length = rawVarint();
      if (length < 0 || length > in.getBytesUntilLimit()) {
        throw fail(
            null,
            "a field of "
                + Long.toUnsignedString(length)
                + " bytes runs past the end of"
                + " its message, "
                + in.getBytesUntilLimit()
                + " bytes are left");
      }
      return (int) length;
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  String string(int wireType) {
    int length = length(wireType);
    if (length > MAX_STRING) {
      throw fail(null, "a name of " + length + " bytes, at most " + MAX_STRING + " are read");
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(in.readRawBytes(length)))
          .toString();
    } catch (CharacterCodingException e) {
      throw fail(null, "a name that is not UTF-8");
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  long varint(int wireType) {
    expect(wireType, WireFormat.WIRETYPE_VARINT);
    try {
      return rawVarint();
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  float float32(int wireType) {
    expect(wireType, WireFormat.WIRETYPE_FIXED32);
    try {
      return in.readFloat();
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  /** Receives the values of a repeated integer field. */
  @FunctionalInterface
  interface Varints {
    void accept(long value);
  }

  /** A repeated integer, packed or not. */
  void varints(int wireType, Varints values) {
    if (wireType == WireFormat.WIRETYPE_VARINT) {
      values.accept(varint(wireType));
      return;
    }
    int outer = push(length(wireType));
    try {
      while (in.getBytesUntilLimit() > 0) {
        values.accept(rawVarint());
      }
    } catch (IOException e) {
      throw malformed(e);
    }
    in.popLimit(outer);
  }

  /** Fills {@code target} with the next bytes of the file. */
  void bytes(MemorySegment target) {
    try {
      for (long at = 0; at < target.byteSize(); ) {
        byte[] chunk = in.readRawBytes((int) Math.min(BUFFER, target.byteSize() - at));
        MemorySegment.copy(chunk, 0, target, ValueLayout.JAVA_BYTE, at, chunk.length);
        at += chunk.length;
      }
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  void skip(int length) {
    try {
      in.skipRawBytes(length);
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  private int push(int length) {
    try {
      return in.pushLimit(length);
    } catch (IOException e) {
      throw malformed(e);
    }
  }

  private void expect(int wireType, int expected) {
    if (wireType != expected) {
      throw fail(null, "wire type " + wireType + " where " + expected + " is expected");
    }
  }

  private CheckpointException malformed(IOException e) {
    String reason = "malformed or truncated: " + e.getMessage();
    return new CheckpointException(file, null, offset(), reason, e);
  }
}
