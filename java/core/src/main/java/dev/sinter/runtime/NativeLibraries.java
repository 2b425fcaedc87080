package dev.sinter.runtime;

import static dev.sinter.bindings.sinter.sinter_h.SINTER_VERSION_MAJOR;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_VERSION_MINOR;
import static dev.sinter.bindings.sinter.sinter_h.SINTER_VERSION_PATCH;
import static dev.sinter.bindings.sinter.sinter_h.sinter_version;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * The shared libraries of this process. Each is loaded at the first question and the answer stays
 * the same, so that settings count only until then. Absence is an answer, never an exception.
 * Thread-safe.
 *
 * <p>A library comes from the class path by way of {@link #cacheDirectory}, checked against its
 * SHA-256 before it is loaded. Properties {@code sinter.library.sinter} and {@code
 * sinter.library.onednn}, or environment variables {@code SINTER_LIBRARY_SINTER} and {@code
 * SINTER_LIBRARY_ONEDNN}, name a file to load instead, which is not checked.
 */
public final class NativeLibraries {
  private static final String PLATFORM = "linux-x86_64";

  private static final String SINTER = "dev/sinter/native/" + PLATFORM + "/libsinter.so";
  private static final String SINTER_ORIGIN = "build sinter-native again";

  private static final String ONEDNN_ORIGIN = "needed is org.bytedeco:dnnl:3.13-1.5.14:" + PLATFORM;

  // The linker finds libgomp beside libdnnl, whose RUNPATH is $ORIGIN.
  private static final List<LibraryCache.Packed> ONEDNN =
      List.of(
          new LibraryCache.Packed(
              "org/bytedeco/dnnl/" + PLATFORM + "/libdnnl.so.3",
              "3610657c35381b06694034b677cf73f28086495aba51ecf0cfb5b6511652a443",
              ONEDNN_ORIGIN),
          new LibraryCache.Packed(
              "org/bytedeco/dnnl/" + PLATFORM + "/libgomp.so.1",
              "d46f9225c1883039e8a6853e6d96ca1af11d034ce186a090952e4a7c8a7c2fdc",
              ONEDNN_ORIGIN));

  private NativeLibraries() {}

  /** A library, or why there is none. */
  public sealed interface LoadedLibrary permits Loaded, Unavailable {}

  /**
   * Its functions can be called.
   *
   * @param path the file it was loaded from
   */
  public record Loaded(Path path) implements LoadedLibrary {}

  /**
   * @param reason in words a user can act on
   */
  public record Unavailable(String reason) implements LoadedLibrary {}

  /** Loads libsinter, of exactly the version of its bindings. */
  public static LoadedLibrary sinter() {
    return Sinter.LIBRARY;
  }

  /** What tells this build of libsinter from others; empty if it is not available. */
  public static Optional<String> sinterBuild() {
    return Optional.ofNullable(SinterBuild.SHA256);
  }

  /** Loads oneDNN; {@code libgomp.so.1}, which it needs, lies in the same folder. */
  public static LoadedLibrary oneDnn() {
    return OneDnn.LIBRARY;
  }

  /**
   * Where this process keeps files it can make again: property {@code sinter.cache}, environment
   * variable {@code SINTER_CACHE}, {@code $XDG_CACHE_HOME/sinter}, {@code ~/.cache/sinter}, the
   * first that is set. Need not exist.
   *
   * @throws InvalidPathException if the setting is no path
   */
  public static Path cacheDirectory() {
    String setting = setting("sinter.cache");
    if (setting != null) {
      return Path.of(setting).toAbsolutePath();
    }
    String caches = System.getenv("XDG_CACHE_HOME");
    // The XDG base directory specification: relative paths are to be ignored.
    if (caches != null && Path.of(caches).isAbsolute()) {
      return Path.of(caches, "sinter");
    }
    return Path.of(System.getProperty("user.home"), ".cache", "sinter").toAbsolutePath();
  }

  private static final class Sinter {
    static final LoadedLibrary LIBRARY = open("sinter", Sinter::find, Sinter::checkVersion);

    private static Path find() throws IOException {
      try (InputStream sum = classPath().getResourceAsStream(SINTER + ".sha256")) {
        if (sum == null) {
          throw new IOException("libsinter was not built: install cmake and g++ and build again");
        }
        String sha256 = new String(sum.readAllBytes(), StandardCharsets.US_ASCII).strip();
        return cache().unpack(List.of(new LibraryCache.Packed(SINTER, sha256, SINTER_ORIGIN)));
      }
    }

    private static void checkVersion(Path path) throws IOException {
      int found;
      try {
        found = sinter_version();
      } catch (LinkageError e) {
        throw new IOException(path + " is not libsinter: it lacks sinter_version", e);
      }
      int needed =
          SINTER_VERSION_MAJOR() * 10000 + SINTER_VERSION_MINOR() * 100 + SINTER_VERSION_PATCH();
      if (found != needed) {
        throw new IOException(
            path + " is version " + version(found) + ", the bindings are for " + version(needed));
      }
    }

    private static String version(int number) {
      return number / 10000 + "." + number / 100 % 100 + "." + number % 100;
    }
  }

  private static final class SinterBuild {
    static final String SHA256 = sinter() instanceof Loaded l ? sha256(l.path()) : null;

    private static String sha256(Path library) {
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(library)));
      } catch (IOException e) {
        return null; // it was removed since
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError("every JDK has SHA-256", e);
      }
    }
  }

  private static final class OneDnn {
    static final LoadedLibrary LIBRARY = open("onednn", () -> cache().unpack(ONEDNN), path -> {});
  }

  /** Where a library is on the class path; an IOException's message is the reason it is not. */
  private interface Finder {
    Path find() throws IOException;
  }

  /** What a loaded library must pass. */
  private interface Check {
    void check(Path path) throws IOException;
  }

  private static LoadedLibrary open(String name, Finder finder, Check check) {
    String system = System.getProperty("os.name");
    String cpu = System.getProperty("os.arch");
    if (!system.equals("Linux") || !cpu.equals("amd64")) {
      return new Unavailable(
          "there is native code for Linux on x86-64 only, not " + system + " on " + cpu);
    }
    try {
      String property = "sinter.library." + name;
      String override = setting(property);
      Path path;
      if (override == null) {
        path = finder.find();
      } else {
        path = Path.of(override).toAbsolutePath();
        if (!Files.isRegularFile(path)) {
          return new Unavailable(property + " names no file: " + path);
        }
      }
      load(path);
      check.check(path);
      return new Loaded(path);
    } catch (InvalidPathException e) {
      return new Unavailable("no path: " + e.getMessage());
    } catch (IOException e) {
      // Subclasses from the file system often have nothing but a path as their message.
      return new Unavailable(e.getClass() == IOException.class ? e.getMessage() : e.toString());
    } catch (UnsatisfiedLinkError e) {
      return new Unavailable(e.getMessage());
    } catch (IllegalCallerException e) {
      return new Unavailable(
          e.getMessage() + ": start the JVM with --enable-native-access=ALL-UNNAMED");
    }
  }

  /** The JVM gives a path to one class loader only; a second loader needs another path. */
  private static void load(Path path) throws IOException {
    try {
      System.load(path.toString());
    } catch (UnsatisfiedLinkError e) {
      if (e.getMessage() == null || !e.getMessage().contains("another classloader")) {
        throw e;
      }
      Path link = path.resolveSibling(UUID.randomUUID() + "-" + path.getFileName());
      Files.createLink(link, path);
      try {
        System.load(link.toString());
      } finally {
        Files.delete(link);
      }
    }
  }

  private static LibraryCache cache() {
    return new LibraryCache(cacheDirectory(), classPath(), InstantSource.system());
  }

  private static ClassLoader classPath() {
    return NativeLibraries.class.getClassLoader();
  }

  private static String setting(String property) {
    String value = System.getProperty(property);
    return value != null
        ? value
        : System.getenv(property.toUpperCase(Locale.ROOT).replace('.', '_'));
  }
}
