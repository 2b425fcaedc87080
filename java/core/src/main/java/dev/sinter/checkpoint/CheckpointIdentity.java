package dev.sinter.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What tells the content of a checkpoint from any other, found without reading all of it: of each
 * file the name, size, times, and {@value #SAMPLES} blocks of {@value #SAMPLE_BYTES} bytes, the
 * first at its start, where the header is, the last at its end.
 *
 * <p>It is the time of the last change to the inode that makes this safe: programs that keep or set
 * the time of a file's content (rsync, cp -p, touch) cannot set that one, so a file that was
 * written to, or put in another's place, has another. The samples are for systems that do not tell
 * it, and against clocks that were turned back. Where a folder lies does not count; a copy, or a
 * file that was moved, counts as another checkpoint.
 *
 * @param digest in lower-case hex
 * @param bytes of all files
 */
public record CheckpointIdentity(String digest, long bytes) {
  /** No file system's times are coarser; a later write has another time then. */
  private static final Duration COARSEST_TIME = Duration.ofSeconds(2);

  private static final int SAMPLES = 64;
  private static final int SAMPLE_BYTES = 4096;

  /**
   * @param path of a file, as {@link CheckpointFiles#inFolder} finds it
   * @param now the time
   * @return empty if a file is so young that it could change without its times telling
   * @throws CheckpointException if a file cannot be read
   */
  public static Optional<CheckpointIdentity> of(Path path, Instant now) {
    MessageDigest digest = sha256();
    long bytes = 0;
    Instant youngest = Instant.MIN;
    for (Path file : CheckpointFiles.of(path)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        long size = channel.size();
        bytes += size;
        FileTime written = Files.getLastModifiedTime(file);
        FileTime changed = changed(file, written);
        youngest = later(youngest, later(written.toInstant(), changed.toInstant()));
        String about =
            String.join(
                "\n",
                file.getFileName().toString(),
                Long.toString(size),
                Long.toString(written.to(TimeUnit.NANOSECONDS)),
                Long.toString(changed.to(TimeUnit.NANOSECONDS)),
                "");
        digest.update(about.getBytes(StandardCharsets.UTF_8));
        sample(channel, size, digest);
      } catch (IOException e) {
        throw new CheckpointException(file.toString(), null, 0, "cannot be read: " + e, e);
      }
    }
    return youngest.plus(COARSEST_TIME).isAfter(now)
        ? Optional.empty()
        : Optional.of(new CheckpointIdentity(HexFormat.of().formatHex(digest.digest()), bytes));
  }

  private static FileTime changed(Path file, FileTime otherwise) throws IOException {
    return file.getFileSystem().supportedFileAttributeViews().contains("unix")
        ? (FileTime) Files.getAttribute(file, "unix:ctime")
        : otherwise;
  }

  private static Instant later(Instant a, Instant b) {
    return a.isAfter(b) ? a : b;
  }

  private static void sample(FileChannel channel, long size, MessageDigest digest)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(SAMPLE_BYTES);
    long last = Math.max(0, size - SAMPLE_BYTES);
    for (int i = 0; i < SAMPLES; i++) {
      long at = last / (SAMPLES - 1) * i + last % (SAMPLES - 1) * i / (SAMPLES - 1);
      buffer.clear();
      while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) >= 0) {}
      digest.update(buffer.flip());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
