package dev.sinter.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Opens a checkpoint by what lies at a path. */
public final class CheckpointFiles {
  private static final String SAFETENSORS = ".safetensors";
  private static final String INDEX = ".safetensors.index.json";
  private static final String ONNX = ".onnx";

  private static final List<String> IN_FOLDER =
      List.of("model" + SAFETENSORS, "model" + INDEX, "model" + ONNX);

  private CheckpointFiles() {}

  /**
   * The file with a folder's weights: {@code model.safetensors}, {@code
   * model.safetensors.index.json} or {@code model.onnx}, the first of them that is there.
   */
  public static Optional<Path> inFolder(Path folder) {
    return IN_FOLDER.stream().map(folder::resolve).filter(Files::isRegularFile).findFirst();
  }

  /**
   * Opens a safetensors file, an index of several, an ONNX file, a jar with one ONNX file at its
   * root, or a folder, see {@link #inFolder}. Which it is goes by the name.
   *
   * @throws CheckpointException if there is none of these, or it is malformed or cannot be read
   */
  public static Checkpoint open(Path path) {
    if (Files.isDirectory(path)) {
      return open(
          inFolder(path).orElseThrow(() -> fail(path, "none of " + IN_FOLDER + " in this folder")));
    }
    if (!Files.exists(path)) {
      throw fail(path, "no such file or folder");
    }
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(SAFETENSORS)) {
      return SafetensorsFile.open(path);
    }
    if (name.endsWith(INDEX)) {
      return SafetensorsShards.open(path);
    }
    if (name.endsWith(ONNX)) {
      return OnnxInitializers.open(path);
    }
    if (name.endsWith(".jar")) {
      return OnnxInitializers.open(path, onlyModel(path));
    }
    throw fail(path, "its name ends in none of " + List.of(SAFETENSORS, INDEX, ONNX, ".jar"));
  }

  /**
   * All files of a checkpoint: the one at the path, and behind an index those that it names.
   *
   * @param path of a file
   * @throws CheckpointException if it is a malformed index
   */
  static List<Path> of(Path path) {
    List<Path> files = new ArrayList<>(List.of(path));
    if (path.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(INDEX)) {
      files.addAll(SafetensorsShards.files(path));
    }
    return files;
  }

  private static String onlyModel(Path jar) {
    List<String> models;
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      models =
          zip.stream()
              .map(ZipEntry::getName)
              .filter(n -> n.endsWith(ONNX) && n.indexOf('/') < 0)
              .toList();
    } catch (IOException e) {
      throw new CheckpointException(
          jar.toString(), null, CheckpointException.UNKNOWN_OFFSET, "not a jar: " + e, e);
    }
    if (models.size() != 1) {
      throw fail(jar, "expected one *" + ONNX + " at its root, found " + models);
    }
    return models.getFirst();
  }

  private static CheckpointException fail(Path path, String reason) {
    return new CheckpointException(
        path.toString(), null, CheckpointException.UNKNOWN_OFFSET, reason);
  }
}
