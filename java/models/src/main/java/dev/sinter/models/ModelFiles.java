package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
import dev.sinter.checkpoint.CheckpointFiles;
import dev.sinter.checkpoint.OnnxInitializers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Where an encoder's files are, and what they do not say themselves.
 *
 * @param name what users call it
 * @param path a jar, or a folder
 * @param weights an ONNX file in the jar; or a file in the folder that {@link CheckpointFiles#open}
 *     knows
 * @param tokenizer the tokenizer.json, likewise
 */
public record ModelFiles(
    String name, Path path, String weights, String tokenizer, EncoderSettings settings) {

  /** The same with a pooling that the user has chosen, whatever the files say. */
  public ModelFiles withPooling(Pooling pooling) {
    return new ModelFiles(name, path, weights, tokenizer, settings.withPooling(pooling));
  }

  /**
   * Reads the weights, or what is needed to read them later; the caller closes them.
   *
   * @throws CheckpointException if they are missing or malformed
   */
  public Checkpoint openCheckpoint() {
    return Files.isDirectory(path)
        ? CheckpointFiles.open(path.resolve(weights))
        : OnnxInitializers.open(path, weights);
  }

  /**
   * Reads the tokenizer; the caller closes it.
   *
   * @param maxLength most ids of a text, special tokens included
   * @throws CheckpointException if it is missing or malformed
   */
  public Tokenizer openTokenizer(int maxLength) {
    if (Files.isDirectory(path)) {
      return Tokenizer.open(path.resolve(tokenizer), maxLength);
    }
    String file = path + "!/" + tokenizer;
    try (ZipFile jar = new ZipFile(path.toFile())) {
      ZipEntry entry = jar.getEntry(tokenizer);
      if (entry == null) {
        throw fail(file, "no such entry", null);
      }
      try (InputStream in = jar.getInputStream(entry)) {
        return Tokenizer.open(file, in, maxLength);
      }
    } catch (IOException e) {
      throw fail(file, "cannot be read: " + e, e);
    }
  }

  private static CheckpointException fail(String file, String reason, IOException cause) {
    return new CheckpointException(file, null, CheckpointException.UNKNOWN_OFFSET, reason, cause);
  }
}
