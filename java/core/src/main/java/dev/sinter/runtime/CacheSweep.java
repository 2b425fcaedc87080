package dev.sinter.runtime;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;

/**
 * Removes from the library cache what nobody uses: folders that no process has claimed for 30 days,
 * and files that a killed process left half done.
 *
 * <p>Safe with any number of processes, because claiming and sweeping exclude each other by a lock
 * on a file: a folder is either claimed first, and then too young to be swept, or swept first, and
 * then made anew by the one who claims it. A library that runs may lose its file; it keeps running.
 */
final class CacheSweep {
  private static final System.Logger LOG = System.getLogger(CacheSweep.class.getName());

  private static final Duration UNUSED = Duration.ofDays(30);
  // Nobody takes that long to unpack or to load a library.
  private static final Duration ABANDONED = Duration.ofDays(1);
  private static final String LOCK = "lock";
  // Together a second, a thousand times what sweeping takes.
  private static final int LOCK_ATTEMPTS = 200;
  private static final int LOCK_PAUSE_MILLIS = 5;
  private static final String FOLDERS = "[0-9a-f]{16}";
  private static final String TEMPORARIES = ".*\\.tmp|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-.*";

  private CacheSweep() {}

  /** Makes a folder, or whatever else a claim takes. */
  @FunctionalInterface
  interface Claim {
    void make() throws IOException;
  }

  /**
   * Claims a folder for the time after {@code now}, and sweeps. Where the file system has no locks,
   * or another process holds this one for long, nothing is swept.
   *
   * @param all the folder of {@code own} and its like
   * @param make sees to it that {@code own} is there
   */
  static synchronized void claim(Path all, Path own, Instant now, Claim make) throws IOException {
    try (FileChannel channel =
        FileChannel.open(all.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      boolean locked = lock(channel); // until the channel is closed
      make.make();
      Files.setLastModifiedTime(own, FileTime.from(now));
      if (locked) {
        sweep(all, own, now);
      }
    }
  }

  private static boolean lock(FileChannel channel) {
    try {
      for (int i = 0; i < LOCK_ATTEMPTS; i++) {
        try {
          if (channel.tryLock() != null) {
            return true;
          }
        } catch (OverlappingFileLockException e) {
          // Held by this class in another class loader.
        }
        Thread.sleep(LOCK_PAUSE_MILLIS);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "the library cache cannot be locked: {0}", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private static void sweep(Path all, Path own, Instant now) {
    try {
      for (Path folder : list(all)) {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
            || !folder.getFileName().toString().matches(FOLDERS)) {
          continue;
        }
        boolean unused =
            !folder.equals(own)
                && Files.getLastModifiedTime(folder).toInstant().isBefore(now.minus(UNUSED));
        for (Path file : list(folder)) {
          if (unused || abandoned(file, now)) {
            Files.deleteIfExists(file);
          }
        }
        if (unused) {
          Files.deleteIfExists(folder);
        }
      }
    } catch (IOException e) {
      // What is left over does no harm, and the next process tries again.
      LOG.log(System.Logger.Level.DEBUG, "the library cache was not swept: {0}", e);
    }
  }

  /**
   * By the time of the last change to the inode, not of its content: links share that with the
   * library they were made of, and making one counts as a change.
   */
  private static boolean abandoned(Path file, Instant now) throws IOException {
    if (!file.getFileName().toString().matches(TEMPORARIES)) {
      return false;
    }
    FileTime changed = (FileTime) Files.getAttribute(file, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
    return changed.toInstant().isBefore(now.minus(ABANDONED));
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }
}
