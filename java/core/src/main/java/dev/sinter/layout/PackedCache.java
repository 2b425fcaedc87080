package dev.sinter.layout;

import dev.sinter.runtime.WorkerPool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder that keeps packed weights, a file for each model in each scheme, so that a model that
 * was loaded once need not be read, quantized and packed again. Whatever goes wrong with it costs
 * time and nothing else: a file that is damaged, of another version or for something else is
 * ignored, with a line in the log, and written anew; a folder that is full or cannot be written to
 * keeps nothing.
 *
 * <p>Files are mapped into this process. They are replaced by renaming, never changed in place, so
 * what is mapped stays what it was when it was checked; whoever truncates one while it is in use
 * ends the process. Any number of processes and threads may use a folder at a time.
 */
public final class PackedCache {
  private static final System.Logger LOG = System.getLogger(PackedCache.class.getName());

  /**
   * Of all that decides what packed weights are and has no name elsewhere: how weights are
   * quantized above all. To be raised with it.
   */
  private static final String REVISION = "1";

  private static final String SUFFIX = ".packed";
  static final String TEMPORARY = ".tmp";

  // Nobody takes that long to load a model.
  private static final Duration ABANDONED = Duration.ofDays(1);

  private final Path folder;
  private final long limit;

  /**
   * @param folder need not exist
   * @param limit bytes of all files together: when another one is written, those that were not used
   *     for longest go
   */
  public PackedCache(Path folder, long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("limit must be at least 0, got " + limit);
    }
    this.folder = folder;
    this.limit = limit;
  }

  /**
   * The packed weights of a model, as far as there are any. Never fails for what is in the folder.
   *
   * @param key all that decides what they are
   * @param pool whose workers check them
   */
  public PackedModel open(List<String> key, WorkerPool pool) {
    List<String> full = new ArrayList<>(key);
    full.addFirst(REVISION);
    Path path = folder.resolve(name(full));
    PackedFile file = null;
    try {
      file = PackedFile.open(path, full, pool);
      Files.setLastModifiedTime(path, FileTime.from(Instant.now())); // of its last use
    } catch (NoSuchFileException e) {
      LOG.log(System.Logger.Level.DEBUG, "there is no {0} yet", path);
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          file == null ? "not used: {0} {1}" : "{0}: {1}",
          path,
          reason(e));
    }
    return new PackedModel(this, full, path, file);
  }

  /**
   * What a folder holds.
   *
   * @param models each in one scheme
   */
  public record Contents(int models, long bytes) {}

  /** What is in the folder; nothing if there is none, or it cannot be read. */
  public Contents contents() {
    int models = 0;
    long bytes = 0;
    try {
      for (Path path : list()) {
        if (path.toString().endsWith(SUFFIX)) {
          bytes += Files.size(path);
          models++;
        }
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "{0} cannot be listed: {1}", folder, e);
    }
    return new Contents(models, bytes);
  }

  private static String name(List<String> key) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(String.join("\n", key).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(), 0, 16) + SUFFIX;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  static String reason(IOException e) {
    return e.getClass() == IOException.class ? e.getMessage() : e.toString();
  }

  long limit() {
    return limit;
  }

  /** Begins a file. */
  PackedFileWriter write(Path path) throws IOException {
    Files.createDirectories(folder);
    return new PackedFileWriter(path);
  }

  private record Kept(Path path, long bytes, Instant used) {}

  /**
   * Removes the files that were not used for longest until the others are within the limit, and
   * what killed processes left half done.
   *
   * @param own stays
   */
  void sweep(Path own) {
    try {
      List<Kept> all = new ArrayList<>();
      Instant old = Instant.now().minus(ABANDONED);
      for (Path path : list()) {
        Kept kept;
        try {
          kept = new Kept(path, Files.size(path), Files.getLastModifiedTime(path).toInstant());
        } catch (NoSuchFileException e) {
          continue; // another process sweeps as well
        }
        if (path.toString().endsWith(SUFFIX)) {
          all.add(kept);
        } else if (path.toString().endsWith(TEMPORARY) && kept.used().isBefore(old)) {
          Files.deleteIfExists(path);
        }
      }
      all.sort(Comparator.comparing(Kept::used));
      long total = all.stream().mapToLong(Kept::bytes).sum();
      for (Kept kept : all) {
        if (total > limit && !kept.path().equals(own)) {
          Files.deleteIfExists(kept.path());
          total -= kept.bytes();
        }
      }
    } catch (IOException e) {
      // What is left over does no harm, and the next one tries again.
      LOG.log(System.Logger.Level.DEBUG, "{0} was not swept: {1}", folder, e);
    }
  }

  private List<Path> list() throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
