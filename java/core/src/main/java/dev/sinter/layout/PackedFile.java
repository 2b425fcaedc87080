package dev.sinter.layout;

import dev.sinter.runtime.LargeMemory;
import dev.sinter.runtime.WorkerPool;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** A file of packed weights, mapped read-only. All of it is checked when it is opened. */
final class PackedFile implements AutoCloseable {
  private final Map<String, PackedFormat.Entry> entries;
  private final Arena arena;
  private final MemorySegment payloads; // from the start of the file to its table

  private PackedFile(Map<String, PackedFormat.Entry> entries, Arena arena, MemorySegment payloads) {
    this.entries = entries;
    this.arena = arena;
    this.payloads = payloads;
  }

  /**
   * Maps a file, and has the workers read it through.
   *
   * @param key that it must have been written for
   * @throws java.nio.file.NoSuchFileException if there is none
   * @throws IOException if it cannot be read, is damaged or not for this key; the message says why
   */
  static PackedFile open(Path path, List<String> key, WorkerPool pool) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer first = read(channel, 0, (int) Math.min(size, PackedFormat.HEAD_BYTES));
      PackedFormat.Head head = PackedFormat.Head.decode(first, size);
      ByteBuffer last = read(channel, head.offset(), head.bytes());
      if (PackedFormat.crc(last.duplicate()) != head.sum()) {
        throw new IOException("has a damaged table");
      }
      PackedFormat.Table table = PackedFormat.decode(last.array(), head.offset());
      if (!table.key().equals(key)) {
        throw new IOException("is for " + table.key());
      }
      Arena arena = Arena.ofShared();
      try {
        MemorySegment payloads =
            channel.map(FileChannel.MapMode.READ_ONLY, 0, head.offset(), arena);
        LargeMemory.advise(payloads);
        PackedFile file = new PackedFile(table.entries(), arena, payloads);
        file.check(pool);
        return file;
      } catch (Throwable t) {
        arena.close();
        throw t;
      }
    }
  }

  private static ByteBuffer read(FileChannel channel, long offset, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        throw new EOFException("ends at " + (offset + buffer.position()));
      }
    }
    return buffer.flip();
  }

  private record Piece(String name, long offset, int bytes, int sum) {}

  /** Reads all there is once, which brings it into memory as well. */
  private void check(WorkerPool pool) throws IOException {
    List<Piece> pieces = new ArrayList<>();
    entries.forEach(
        (name, entry) -> {
          for (int i = 0; i < entry.sums().length; i++) {
            long from = (long) i * PackedFormat.PIECE;
            int bytes = (int) Math.min(PackedFormat.PIECE, entry.bytes() - from);
            pieces.add(new Piece(name, entry.offset() + from, bytes, entry.sums()[i]));
          }
        });
    AtomicReference<String> damaged = new AtomicReference<>();
    pool.run(
        worker ->
            worker.forEachTile(
                pieces.size(),
                (_, i) -> {
                  Piece piece = pieces.get(i);
                  ByteBuffer bytes = payloads.asSlice(piece.offset, piece.bytes).asByteBuffer();
                  if (PackedFormat.crc(bytes) != piece.sum) {
                    damaged.set(piece.name);
                  }
                }));
    if (damaged.get() != null) {
      throw new IOException("has damaged weights of " + damaged.get());
    }
  }

  /** The weights of this name, valid until {@link #close}; null if there are none. */
  PackedWeights find(String name) {
    PackedFormat.Entry entry = entries.get(name);
    return entry == null
        ? null
        : new PackedWeights(entry.layout(), payloads.asSlice(entry.offset(), entry.bytes()));
  }

  @Override
  public void close() {
    arena.close();
  }
}
