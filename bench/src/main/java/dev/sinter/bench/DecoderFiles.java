package dev.sinter.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.OperatingSystemMXBean;
import dev.sinter.cli.CommandFailure;
import dev.sinter.cli.Json;
import dev.sinter.models.Progress;
import dev.sinter.models.SyntheticDecoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * A decoder with random weights in a folder of its own, {@value #MODEL}, and the same without all
 * layers but the first, {@value #CHECK}: that one is small enough for the float64 reference.
 *
 * @param folder is deleted on {@link #close}
 */
record DecoderFiles(Path folder) implements AutoCloseable {
  static final String MODEL = "model";
  static final String CHECK = "check";

  private static final int SEED = 1;

  /**
   * @param name one of {@link SyntheticDecoder#names}
   * @param context longest text in tokens
   * @param disk bytes that are needed for the files
   * @param memory bytes that are needed to run the decoder
   * @throws CommandFailure if the machine has less
   */
  static DecoderFiles make(String name, int context, long disk, long memory, Progress progress)
      throws IOException {
    long all =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    if (all < memory) {
      throw new CommandFailure(
          "the decoder takes " + megabytes(memory) + " of memory, there are " + megabytes(all),
          null,
          null);
    }
    DecoderFiles files = new DecoderFiles(Files.createTempDirectory("sinter-decoder"));
    try {
      long room = Files.getFileStore(files.folder).getUsableSpace();
      if (room < disk) {
        throw new CommandFailure(
            "the decoder's files take " + megabytes(disk) + ", " + megabytes(room) + " are free",
            "set -Djava.io.tmpdir in SINTER_JAVA_OPTS to a folder with more room than "
                + files.folder.getParent(),
            null);
      }
      Path model = files.folder.resolve(MODEL);
      SyntheticDecoder.write(name, context, SEED, model, progress);
      files.link(model);
      return files;
    } catch (RuntimeException | Error | IOException e) {
      files.close();
      throw e;
    }
  }

  private static String megabytes(long bytes) {
    return bytes / 1_000_000 + " MB";
  }

  private void link(Path model) throws IOException {
    Path check = Files.createDirectory(folder.resolve(CHECK));
    try (var entries = Files.list(model)) {
      for (Path file : entries.toList()) {
        Files.createSymbolicLink(check.resolve(file.getFileName()), file);
      }
    }
    Path config = check.resolve("config.json");
    ObjectNode settings = (ObjectNode) Json.MAPPER.readTree(config.toFile());
    Files.delete(config);
    Json.MAPPER.writeValue(config.toFile(), settings.put("num_hidden_layers", 1));
  }

  @Override
  public void close() {
    try (var entries = Files.walk(folder)) {
      List<Path> inner = entries.sorted(Comparator.reverseOrder()).toList();
      for (Path path : inner) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
