package dev.sinter.models;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.sinter.checkpoint.CheckpointException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Text to token ids and back, as a Hugging Face {@code tokenizer.json} says, but for its own
 * truncation and padding, which are ignored. Thread-safe; calls run in parallel.
 */
public final class Tokenizer implements AutoCloseable {
  /** A start token, an end token, and something in between. */
  static final int LEAST_LENGTH = 3;

  // Without the first, the library asks the cloud's metadata service who it is, reports that, and
  // fetches another build of itself where it sees a GPU. The second keeps SLF4J from complaining
  // on System.err where the application has no logging for it.
  private static final Map<String, String> QUIET =
      Map.of("ai.djl.offline", "true", "slf4j.internal.verbosity", "ERROR");

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final HuggingFaceTokenizer tokenizer;
  private boolean closed;

  private Tokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a tokenizer.json.
   *
   * @param maxLength most ids of a text, special tokens included; at least 3
   * @throws CheckpointException if it cannot be read or is malformed
   */
  public static Tokenizer open(Path json, int maxLength) {
    try (InputStream in = Files.newInputStream(json)) {
      return open(json.toString(), in, maxLength);
    } catch (IOException e) {
      throw fail(json.toString(), "cannot be read: " + e, e);
    }
  }

  /**
   * Reads a tokenizer.json for texts of any length.
   *
   * @throws CheckpointException if it cannot be read or is malformed
   */
  public static Tokenizer open(Path json) {
    Map<String, String> options =
        Map.of("addSpecialTokens", "true", "truncation", "false", "padding", "false");
    try {
      return new Tokenizer(parse(json.toString(), Files.readAllBytes(json), options));
    } catch (IOException e) {
      throw fail(json.toString(), "cannot be read: " + e, e);
    }
  }

  /**
   * Reads a tokenizer.json from a stream, to its end.
   *
   * @param file what messages call it
   * @param maxLength most ids of a text, special tokens included; at least 3
   * @throws CheckpointException if it cannot be read or is malformed
   */
  public static Tokenizer open(String file, InputStream json, int maxLength) {
    if (maxLength < LEAST_LENGTH) {
      throw new IllegalArgumentException(
          "maxLength is " + maxLength + ", must be at least " + LEAST_LENGTH);
    }
    String length = Integer.toString(maxLength);
    Map<String, String> options =
        Map.of(
            "addSpecialTokens", "true",
            "truncation", "true",
            "padding", "false",
            "maxLength", length,
            "modelMaxLength", length);
    byte[] bytes;
    try {
      bytes = json.readAllBytes();
    } catch (IOException e) {
      throw fail(file, "cannot be read: " + e, e);
    }
    return new Tokenizer(parse(file, bytes, options));
  }

  // One at a time, because of the properties, which are put back afterwards: the application may
  // use the same library for other things.
  private static synchronized HuggingFaceTokenizer parse(
      String file, byte[] json, Map<String, String> options) {
    Map<String, String> before = new HashMap<>();
    QUIET.forEach((key, value) -> before.put(key, System.setProperty(key, value)));
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options);
    } catch (IOException | RuntimeException e) {
      throw fail(file, "not a tokenizer.json: " + e.getMessage(), e);
    } finally {
      before.forEach(
          (key, value) -> {
            if (value == null) {
              System.clearProperty(key);
            } else {
              System.setProperty(key, value);
            }
          });
    }
  }

  private static CheckpointException fail(String file, String reason, Exception cause) {
    return new CheckpointException(file, null, CheckpointException.UNKNOWN_OFFSET, reason, cause);
  }

  /**
   * The ids of a text with the model's special tokens. If there are more than the maximum length,
   * the text's last ones are left out; nothing is padded.
   *
   * @throws IllegalStateException after close
   */
  public int[] encode(String text) {
    return encode(text, true);
  }

  /**
   * The ids of a text without special tokens, but for those that are written out in it.
   *
   * @throws IllegalStateException after close
   */
  public int[] encodePlain(String text) {
    return encode(text, false);
  }

  private int[] encode(String text, boolean specialTokens) {
    lock.readLock().lock();
    try {
      requireOpen();
      // Half a surrogate pair has no UTF-8: it becomes '?' here, not an error in the library.
      String valid = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
      long[] ids = tokenizer.encode(valid, specialTokens, false).getIds();
      int[] narrow = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        narrow[i] = Math.toIntExact(ids[i]);
      }
      return narrow;
    } finally {
      lock.readLock().unlock();
    }
  }

  /**
   * The text of ids, without special tokens. Bytes that make no character become U+FFFD.
   *
   * @throws IllegalStateException after close
   */
  public String decode(int[] ids) {
    lock.readLock().lock();
    try {
      requireOpen();
      return ids.length == 0
          ? ""
          : tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true);
    } finally {
      lock.readLock().unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the tokenizer is closed");
    }
  }

  /** Waits for running calls, then frees the native tokenizer. Idempotent. */
  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        tokenizer.close();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
