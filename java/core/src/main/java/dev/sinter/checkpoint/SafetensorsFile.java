package dev.sinter.checkpoint;

import dev.sinter.tensor.RawTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A safetensors file: 8 bytes that hold the length of the header (little-endian), the header in
 * JSON, the tensors' bytes.
 *
 * <p>Opening reads and checks the header alone. A tensor is read when it is first asked for, and
 * kept until {@link #close}; besides those, memory is a small multiple of the header. The file is
 * read, not mapped: one that shrinks meanwhile is an error. It stays open, so that replacing it
 * does no harm; interrupting a thread that reads closes it, and later reads are errors.
 *
 * <p>Stricter than the format's own library in what nobody writes: no key twice in an object, no
 * unknown keys, names of at most 50,000 characters, at most 64 dimensions.
 */
public final class SafetensorsFile implements Checkpoint {
  private static final int LENGTH_BYTES = Long.BYTES;
  private static final long ALIGNMENT = 64;
  // A ByteBuffer holds less than 2^31 bytes.
  private static final long CHUNK = 1L << 30;

  private final String file;
  private final FileChannel channel;
  private final SafetensorsHeader header;
  private final Arena arena = Arena.ofShared();
  private final Map<String, RawTensor> read = new ConcurrentHashMap<>();

  private SafetensorsFile(String file, FileChannel channel, SafetensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws CheckpointException if it is malformed or cannot be read
   */
  public static SafetensorsFile open(Path path) {
    String file = path.toString();
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw unreadable(file, null, 0, e);
    }
    try {
      return new SafetensorsFile(file, channel, header(file, channel));
    } catch (Throwable t) {
      closeQuietly(channel, t);
      throw t;
    }
  }

  private static SafetensorsHeader header(String file, FileChannel channel) {
    long size;
    try {
      size = channel.size();
    } catch (IOException e) {
      throw unreadable(file, null, 0, e);
    }
    if (size < LENGTH_BYTES) {
      throw new CheckpointException(
          file, null, 0, "has " + size + " bytes, fewer than the length of a header takes");
    }
    ByteBuffer prefix = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    fill(file, null, channel, prefix, 0);
    long length = prefix.getLong(0);
    if (length < 0 || length > SafetensorsHeader.MAX_BYTES) {
      throw new CheckpointException(
          file,
          null,
          0,
          "claims a header of "
              + Long.toUnsignedString(length)
              + " bytes, at most "
              + SafetensorsHeader.MAX_BYTES
              + " are read");
    }
    if (length > size - LENGTH_BYTES) {
      throw new CheckpointException(
          file,
          null,
          0,
          "claims a header of " + length + " bytes, has " + (size - LENGTH_BYTES) + " more");
    }
    byte[] json = new byte[(int) length];
    fill(file, null, channel, ByteBuffer.wrap(json), LENGTH_BYTES);
    return SafetensorsHeader.parse(file, json, LENGTH_BYTES, size - LENGTH_BYTES - length);
  }

  /** Fills the buffer from the file's bytes at {@code position}. */
  private static void fill(
      String file, String tensor, FileChannel channel, ByteBuffer buffer, long position) {
    long at = position;
    while (buffer.hasRemaining()) {
      int n;
      try {
        n = channel.read(buffer, at);
      } catch (IOException e) {
        throw unreadable(file, tensor, at, e);
      }
      if (n < 0) {
        throw new CheckpointException(
            file, tensor, at, "the file ends here; it was longer when it was opened");
      }
      at += n;
    }
  }

  private static CheckpointException unreadable(
      String file, String tensor, long offset, IOException e) {
    return new CheckpointException(file, tensor, offset, "cannot be read: " + e, e);
  }

  @Override
  public String file() {
    return file;
  }

  @Override
  public List<String> names() {
    return List.copyOf(header.tensors().keySet());
  }

  @Override
  public boolean contains(String name) {
    return header.tensors().containsKey(name);
  }

  @Override
  public TensorInfo info(String name) {
    return find(name).info();
  }

  private SafetensorsHeader.Entry find(String name) {
    SafetensorsHeader.Entry entry = header.tensors().get(name);
    if (entry == null) {
      throw NearestNames.missing(file, name, header.tensors().keySet());
    }
    return entry;
  }

  @Override
  public RawTensor tensor(String name) {
    SafetensorsHeader.Entry entry = find(name);
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException(file + " is closed");
    }
    return read.computeIfAbsent(name, n -> read(entry));
  }

  private RawTensor read(SafetensorsHeader.Entry entry) {
    TensorInfo info = entry.info();
    MemorySegment data = arena.allocate(info.bytes(), ALIGNMENT);
    for (long at = 0; at < info.bytes(); at += CHUNK) {
      ByteBuffer chunk = data.asSlice(at, Math.min(CHUNK, info.bytes() - at)).asByteBuffer();
      fill(file, info.name(), channel, chunk, entry.offset() + at);
    }
    return new RawTensor(info.name(), entry.dtype(), info.shape(), data);
  }

  /** What the file's maker wrote under {@code __metadata__}. */
  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Frees the memory of all tensors and closes the file. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      closeQuietly(channel, null);
    }
  }

  /** Nothing was written, so nothing is lost if closing fails. */
  private static void closeQuietly(FileChannel channel, Throwable reason) {
    try {
      channel.close();
    } catch (IOException e) {
      if (reason != null) {
        reason.addSuppressed(e);
      }
    }
  }
}
