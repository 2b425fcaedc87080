package dev.sinter.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Shared libraries unpacked from the class path to where the dynamic linker can open them: {@code
 * <root>/native/<start of the SHA-256>/<file>}. Nobody but the user may write there, and no file
 * leaves without its SHA-256 having been compared. Linux. Any number of processes may unpack into
 * one folder at a time: a file appears whole or not at all.
 */
final class LibraryCache {
  private static final int FOLDER_NAME = 16;
  private static final int WRITABLE_BY_OTHERS = 0022;
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /**
   * A file on the class path.
   *
   * @param resource its name there
   * @param sha256 of its content, in lower-case hex
   * @param origin what brings it, for messages
   */
  record Packed(String resource, String sha256, String origin) {
    String file() {
      return resource.substring(resource.lastIndexOf('/') + 1);
    }
  }

  private final Path root;
  private final ClassLoader classPath;
  private final InstantSource clock;

  /**
   * @param clock tells how long others have not been used
   */
  LibraryCache(Path root, ClassLoader classPath, InstantSource clock) {
    this.root = root;
    this.classPath = classPath;
    this.clock = clock;
  }

  /**
   * Unpacks what is not there yet or is damaged, all files to the folder named after the first;
   * sweeps the others, see {@link CacheSweep}.
   *
   * @return the path of the first file
   * @throws IOException if that cannot be done; the message tells a user why
   */
  Path unpack(List<Packed> files) throws IOException {
    Path all = root.resolve("native");
    Path folder = all.resolve(files.getFirst().sha256().substring(0, FOLDER_NAME));
    makePrivate(root);
    makePrivate(all);
    CacheSweep.claim(all, folder, clock.instant(), () -> makePrivate(folder));
    for (Packed file : files) {
      Path target = folder.resolve(file.file());
      if (!matches(target, file)) {
        write(file, target);
        if (!matches(target, file)) {
          throw new IOException(target + " is damaged though it was just written");
        }
      }
    }
    return folder.resolve(files.getFirst().file());
  }

  private void write(Packed file, Path target) throws IOException {
    try (InputStream in = classPath.getResourceAsStream(file.resource())) {
      if (in == null) {
        throw new IOException(file.resource() + " is not on the class path; " + file.origin());
      }
      // A rename puts a whole file in place even while others do the same or have the old one open.
      Path temporary = Files.createTempFile(target.getParent(), file.file(), ".tmp");
      try {
        MessageDigest digest = newDigest();
        try (OutputStream out = new DigestOutputStream(Files.newOutputStream(temporary), digest)) {
          in.transferTo(out);
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(file.sha256())) {
          throw new IOException(
              file.resource()
                  + " on the class path has SHA-256 "
                  + found
                  + " instead of "
                  + file.sha256()
                  + "; "
                  + file.origin());
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    }
  }

  private static boolean matches(Path path, Packed file) throws IOException {
    MessageDigest digest = newDigest();
    try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS);
        OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
      in.transferTo(out);
    } catch (NoSuchFileException e) {
      return false;
    }
    return HexFormat.of().formatHex(digest.digest()).equals(file.sha256());
  }

  private static void makePrivate(Path folder) throws IOException {
    Files.createDirectories(folder, OWNER_ONLY);
    requirePrivate(folder);
  }

  /** Whoever may write to a folder on the way to a library chooses the code this process runs. */
  private static void requirePrivate(Path folder) throws IOException {
    Map<String, Object> found = Files.readAttributes(folder, "unix:uid,mode");
    Object user = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (!user.equals(found.get("uid"))) {
      throw new IOException(
          folder
              + " belongs to user "
              + found.get("uid")
              + ", not to user "
              + user
              + "; set sinter.cache to a folder of your own");
    }
    int mode = (int) found.get("mode");
    if ((mode & WRITABLE_BY_OTHERS) != 0) {
      throw new IOException(
          folder
              + " is writable by others (mode "
              + Integer.toOctalString(mode & 07777)
              + "); run: chmod go-w "
              + folder);
    }
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
