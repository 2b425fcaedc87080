package dev.sinter.models;

import dev.sinter.checkpoint.Checkpoint;
import dev.sinter.checkpoint.CheckpointException;
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
 * @param onnx the weights: an entry of the jar, or a file in the folder
 * @param tokenizer the tokenizer.json, likewise
 * @param heads attention heads
 * @param layerNormEps epsilon of the layer norms
 * @param pooling how a sentence's hidden states become its vector
 */
public record ModelFiles(
    String name,
    Path path,
    String onnx,
    String tokenizer,
    int heads,
    float layerNormEps,
    Pooling pooling) {

  /**
   * Reads the weights; the caller closes them.
   *
   * @throws CheckpointException if they are missing or malformed
   */
  public Checkpoint openCheckpoint() {
    return Files.isDirectory(path)
        ? OnnxInitializers.open(path.resolve(onnx))
        : OnnxInitializers.open(path, onnx);
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
