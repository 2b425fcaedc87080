package dev.sinter.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * The classes that a command has loaded, as the JVM keeps them in a file (class data sharing, JEP
 * 350): with it the next process starts in two thirds of the time. The launcher names the file,
 * differently for each command, build and JDK, and passes it to the JVM once it is there. Whatever
 * goes wrong costs that time and nothing else.
 */
final class StartupArchive {
  /** Where the launcher wants the file; not set if it is there, or if the JVM does not record. */
  private static final String PROPERTY = "sinter.archive";

  private static final System.Logger LOG = System.getLogger(StartupArchive.class.getName());
  private static final String SUFFIX = ".jsa";
  private static final Duration UNUSED = Duration.ofDays(30);

  private StartupArchive() {}

  /** To be called when a command has done its work, and printed all of it. */
  static void write() {
    String file = System.getProperty(PROPERTY);
    if (file == null) {
      return;
    }
    try {
      write(Path.of(file));
    } catch (IOException | JMException | RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "no archive of classes in {0}: {1}", file, e);
    }
  }

  private static void write(Path file) throws IOException, JMException {
    Path folder = file.getParent();
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path scratch = Files.createTempDirectory(folder, "writing"); // the JVM replaces no file at once
    Path written = scratch.resolve(file.getFileName());
    PrintStream out = System.out;
    try {
      // The JDK tells it there, where only results belong.
      System.setOut(
          new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
      ManagementFactory.getPlatformMBeanServer()
          .invoke(
              new ObjectName("com.sun.management:type=DiagnosticCommand"),
              "vmCds",
              new Object[] {new String[] {"dynamic_dump", written.toString()}},
              new String[] {String[].class.getName()});
      Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      System.setOut(out);
      Files.deleteIfExists(written);
      Files.deleteIfExists(scratch);
    }
    removeOld(folder);
  }

  /** Those of earlier builds; one that is in use nevertheless is written anew. */
  private static void removeOld(Path folder) throws IOException {
    Instant old = Instant.now().minus(UNUSED);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(SUFFIX)).toList()) {
        if (Files.getLastModifiedTime(file).toInstant().isBefore(old)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
