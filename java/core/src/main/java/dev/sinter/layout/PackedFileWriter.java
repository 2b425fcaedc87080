package dev.sinter.layout;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a file of packed weights: under another name, which {@link #commit} changes into its own
 * when all is on disk. So a file appears whole or not at all, whoever else writes it meanwhile.
 */
final class PackedFileWriter implements AutoCloseable {
  private final Path path;
  private final Path temporary;
  private final FileChannel channel;
  private final Map<String, PackedFormat.Entry> entries = new LinkedHashMap<>();
  private long end = PackedFormat.PAGE;

  /**
   * @param path of the file to be; its folder is there
   */
  PackedFileWriter(Path path) throws IOException {
    this.path = path;
    temporary =
        Files.createTempFile(
            path.getParent(), path.getFileName().toString(), PackedCache.TEMPORARY);
    channel = FileChannel.open(temporary, StandardOpenOption.WRITE);
  }

  /** Bytes of the file so far, without its table. */
  long bytes() {
    return end;
  }

  /** Appends weights. A name that is there already is left as it is. */
  void append(String name, PackedWeights weights) throws IOException {
    if (entries.containsKey(name)) {
      return;
    }
    MemorySegment data = weights.data();
    int[] sums = new int[Math.toIntExact(Math.ceilDiv(data.byteSize(), PackedFormat.PIECE))];
    for (int i = 0; i < sums.length; i++) {
      long from = (long) i * PackedFormat.PIECE;
      long bytes = Math.min(PackedFormat.PIECE, data.byteSize() - from);
      ByteBuffer piece = data.asSlice(from, bytes).asByteBuffer();
      sums[i] = PackedFormat.crc(piece.duplicate());
      write(piece, end + from);
    }
    entries.put(name, new PackedFormat.Entry(weights.layout(), end, data.byteSize(), sums));
    end = Math.ceilDiv(end + data.byteSize(), PackedFormat.PAGE) * PackedFormat.PAGE;
  }

  /** Puts the file in place. */
  void commit(List<String> key) throws IOException {
    byte[] table = PackedFormat.encode(new PackedFormat.Table(key, entries));
    write(ByteBuffer.wrap(table), end);
    int sum = PackedFormat.crc(ByteBuffer.wrap(table));
    write(new PackedFormat.Head(end, table.length, sum).encode(), 0);
    channel.force(true); // or else a crash could leave the name with nothing behind it
    Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
  }

  private void write(ByteBuffer bytes, long position) throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    try (channel) {
      Files.deleteIfExists(temporary);
    }
  }
}
