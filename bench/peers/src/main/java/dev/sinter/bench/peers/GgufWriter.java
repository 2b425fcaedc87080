package dev.sinter.bench.peers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Writes GGUF files of version 3 (docs/gguf.md of ggml): settings, then the list of tensors, then
 * their data. The data of a tensor is asked for when it is its turn, so that one is in memory at a
 * time. Not thread-safe.
 */
final class GgufWriter {
  /** What a tensor is stored as. */
  enum Type {
    F32(0, 1, 4),
    /** An f16 scale and 32 codes of 4 bits. */
    Q4_0(2, 32, 18);

    private final int id;
    private final int block; // values
    private final int bytes; // of a block

    Type(int id, int block, int bytes) {
      this.id = id;
      this.block = block;
      this.bytes = bytes;
    }

    long bytes(long values) {
      return values / block * bytes;
    }
  }

  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;

  // Types of settings.
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /**
   * @param rows 0 for a vector
   * @param data in the layout of the type
   */
  private record Tensor(String name, Type type, int rows, int columns, Supplier<byte[]> data) {
    long bytes() {
      return type.bytes((long) Math.max(1, rows) * columns);
    }
  }

  private final List<byte[]> settings = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();

  private static final class Bytes {
    private ByteBuffer buffer = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

    private ByteBuffer room(int bytes) {
      if (buffer.remaining() < bytes) {
        ByteBuffer larger = ByteBuffer.allocate(2 * buffer.capacity() + bytes);
        buffer = larger.order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
      }
      return buffer;
    }

    Bytes int32(int value) {
      room(4).putInt(value);
      return this;
    }

    Bytes int64(long value) {
      room(8).putLong(value);
      return this;
    }

    Bytes string(String value) {
      byte[] text = value.getBytes(StandardCharsets.UTF_8);
      int64(text.length);
      room(text.length).put(text);
      return this;
    }

    byte[] toArray() {
      byte[] all = new byte[buffer.position()];
      buffer.flip().get(all);
      return all;
    }
  }

  private static Bytes setting(String key, int type) {
    return new Bytes().string(key).int32(type);
  }

  GgufWriter set(String key, int value) {
    settings.add(setting(key, UINT32).int32(value).toArray());
    return this;
  }

  GgufWriter set(String key, float value) {
    settings.add(setting(key, FLOAT32).int32(Float.floatToRawIntBits(value)).toArray());
    return this;
  }

  GgufWriter set(String key, boolean value) {
    Bytes bytes = setting(key, BOOL);
    bytes.room(1).put((byte) (value ? 1 : 0));
    settings.add(bytes.toArray());
    return this;
  }

  GgufWriter set(String key, String value) {
    settings.add(setting(key, STRING).string(value).toArray());
    return this;
  }

  GgufWriter set(String key, List<String> values) {
    Bytes bytes = setting(key, ARRAY).int32(STRING).int64(values.size());
    values.forEach(bytes::string);
    settings.add(bytes.toArray());
    return this;
  }

  GgufWriter set(String key, float[] values) {
    Bytes bytes = setting(key, ARRAY).int32(FLOAT32).int64(values.length);
    for (float value : values) {
      bytes.int32(Float.floatToRawIntBits(value));
    }
    settings.add(bytes.toArray());
    return this;
  }

  GgufWriter set(String key, int[] values) {
    Bytes bytes = setting(key, ARRAY).int32(INT32).int64(values.length);
    for (int value : values) {
      bytes.int32(value);
    }
    settings.add(bytes.toArray());
    return this;
  }

  /**
   * @param rows outputs; 0 for a vector
   * @param columns inputs, a multiple of the type's block
   * @param data gives the tensor in the layout of its type
   */
  GgufWriter add(String name, Type type, int rows, int columns, Supplier<byte[]> data) {
    if (columns % type.block != 0) {
      throw new IllegalArgumentException(
          name + " has " + columns + " columns, " + type + " needs a multiple of " + type.block);
    }
    tensors.add(new Tensor(name, type, rows, columns, data));
    return this;
  }

  /** Bytes of the data of all tensors but one. */
  long bytesWithout(String name) {
    return tensors.stream().filter(t -> !t.name.equals(name)).mapToLong(Tensor::bytes).sum();
  }

  void write(Path file) throws IOException {
    Bytes head = new Bytes();
    head.room(4).put("GGUF".getBytes(StandardCharsets.US_ASCII));
    head.int32(VERSION).int64(tensors.size()).int64(settings.size());
    settings.forEach(s -> head.room(s.length).put(s));
    long offset = 0;
    for (Tensor t : tensors) {
      head.string(t.name).int32(t.rows == 0 ? 1 : 2).int64(t.columns); // the innermost comes first
      if (t.rows > 0) {
        head.int64(t.rows);
      }
      head.int32(t.type.id).int64(offset);
      offset = aligned(offset + t.bytes());
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      write(channel, head.toArray());
      for (Tensor t : tensors) {
        byte[] data = t.data.get();
        if (data.length != t.bytes()) {
          throw new IllegalStateException(
              t.name + " has " + data.length + " bytes, expected " + t.bytes());
        }
        write(channel, data);
      }
    }
  }

  /** With zeros up to the next multiple of the alignment. */
  private static void write(FileChannel channel, byte[] data) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(data);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    int padding = (int) (aligned(channel.position()) - channel.position());
    channel.write(ByteBuffer.allocate(padding));
  }

  private static long aligned(long offset) {
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
