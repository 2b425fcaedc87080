package dev.sinter.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sinter.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the JSON and text files beside a model's weights. */
final class JsonFiles {
  // The largest are tokenizers of many languages, some 20 MB.
  private static final long MAX_BYTES = 100_000_000;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonFiles() {}

  /**
   * @throws CheckpointException if the file cannot be read or is no JSON, or has a key twice
   */
  static JsonNode read(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw fail(file, "has " + size + " bytes, at most " + MAX_BYTES + " are read");
      }
      return MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
      throw new CheckpointException(
          file.toString(), null, offset, "malformed JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new CheckpointException(
          file.toString(), null, CheckpointException.UNKNOWN_OFFSET, "cannot be read: " + e, e);
    }
  }

  /** The same for a file that must hold an object. */
  static JsonNode readObject(Path file) {
    JsonNode json = read(file);
    if (!json.isObject()) {
      throw fail(file, "must be a JSON object");
    }
    return json;
  }

  /**
   * A text file.
   *
   * @throws CheckpointException if it cannot be read, is too large or is not UTF-8
   */
  static String readText(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw fail(file, "has " + size + " bytes, at most " + MAX_BYTES + " are read");
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw new CheckpointException(
          file.toString(), null, CheckpointException.UNKNOWN_OFFSET, "cannot be read: " + e, e);
    }
  }

  static CheckpointException fail(Path file, String reason) {
    return new CheckpointException(
        file.toString(), null, CheckpointException.UNKNOWN_OFFSET, reason);
  }
}
