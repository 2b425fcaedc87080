package dev.sinter.models;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Makes sure that a jar is the one that it should be, by its SHA-256. That is computed once: a
 * stamp keeps which file it was, as its path, size, time of change and inode tell, and is good as
 * long as none of them changes. Any number of processes may share the stamps.
 */
final class JarVerifier {
  private static final System.Logger LOG = System.getLogger(JarVerifier.class.getName());
  private static final int CHUNK = 1 << 20;

  private final Path stamps;

  /**
   * @param stamps folder for them; need not exist
   */
  JarVerifier(Path stamps) {
    this.stamps = stamps;
  }

  /**
   * @param remedy what to do if it is another file
   * @return {@code path}
   * @throws IllegalStateException if it is
   */
  Path verify(Path path, MavenArtifact jar, String remedy, Progress progress) {
    try {
      String state = state(path, jar);
      Path stamp = stamps.resolve(jar.fileName() + ".verified");
      if (Files.isRegularFile(stamp) && Files.readString(stamp).equals(state)) {
        return path;
      }
      String actual = sha256(path, progress);
      if (!actual.equals(jar.sha256())) {
        throw new IllegalStateException(
            path
                + " is not "
                + jar.coordinates()
                + ": its SHA-256 is "
                + actual
                + ", expected "
                + jar.sha256()
                + "; "
                + remedy);
      }
      keep(stamp, state);
      return path;
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read", e);
    }
  }

  private static String state(Path path, MavenArtifact jar) throws IOException {
    BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
    return String.join(
        "\n",
        jar.sha256(),
        path.toRealPath().toString(),
        Long.toString(found.size()),
        Long.toString(found.lastModifiedTime().to(TimeUnit.NANOSECONDS)),
        String.valueOf(found.fileKey()));
  }

  /** A stamp that cannot be kept costs the next start a moment, and nothing else. */
  private void keep(Path stamp, String state) {
    try {
      Files.createDirectories(stamps);
      Path temporary = Files.createTempFile(stamps, "stamp", ".tmp");
      try {
        Files.writeString(temporary, state);
        Files.move(temporary, stamp, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "{0} cannot be written: {1}", stamp, e);
    }
  }

  private static String sha256(Path path, Progress progress) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      String what = "checking " + path.getFileName();
      long total = Files.size(path);
      long done = 0;
      byte[] chunk = new byte[CHUNK];
      int n;
      while ((n = in.readNBytes(chunk, 0, CHUNK)) > 0) {
        digest.update(chunk, 0, n);
        done += n;
        progress.step(what, done, total);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
