package dev.sinter.layout;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The packed weights of one model while it is loaded, and those that its layers read from then on.
 * Whoever loads it asks for each tensor by {@link #find}, packs what is not there and passes that
 * to {@link #keep}, and then calls {@link #finish}; if anything was missing, the file is written
 * anew. Not thread-safe. Close it after the layers.
 */
public final class PackedModel implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PackedModel.class.getName());

  private final PackedCache cache; // null for none
  private final List<String> key;
  private final Path path;
  private final PackedFile file; // null if there is none that can be used
  private final List<String> used = new ArrayList<>(); // of the file
  private PackedFileWriter writer; // null while nothing was missing
  private boolean failed;
  private long mapped;
  private long written;
  private boolean closed;

  PackedModel(PackedCache cache, List<String> key, Path path, PackedFile file) {
    this.cache = cache;
    this.key = key;
    this.path = path;
    this.file = file;
  }

  /** Has nothing and keeps nothing. */
  public static PackedModel none() {
    return new PackedModel(null, List.of(), null, null);
  }

  /** The file; null for {@link #none}. */
  public Path path() {
    return path;
  }

  /** Bytes of weights that were found and accepted. */
  public long mapped() {
    return mapped;
  }

  /** Bytes of the file that {@link #finish} has written; 0 if it has not. */
  public long written() {
    return written;
  }

  /** Judges what was found. */
  @FunctionalInterface
  public interface Test {
    boolean accepts(PackedWeights weights);
  }

  /**
   * Weights of this name that pass a test, valid until {@link #close}; null if there are none.
   *
   * @param name everything that tells these weights from others of the model
   */
  public PackedWeights find(String name, Test test) {
    PackedWeights found = file == null ? null : file.find(name);
    if (found == null || !test.accepts(found)) {
      return null;
    }
    mapped += found.data().byteSize();
    if (writer == null) {
      used.add(name);
    } else {
      append(name, found);
    }
    return found;
  }

  /**
   * Keeps weights that were not found.
   *
   * @param weights null for such that cannot be kept
   */
  public void keep(String name, PackedWeights weights) {
    if (cache == null || failed || weights == null) {
      return;
    }
    if (writer == null) {
      try {
        writer = cache.write(path);
      } catch (IOException e) {
        fail(e);
        return;
      }
      used.forEach(n -> append(n, file.find(n)));
    }
    append(name, weights);
  }

  private void append(String name, PackedWeights weights) {
    if (failed) {
      return;
    }
    try {
      writer.append(name, weights);
      if (writer.bytes() > cache.limit()) {
        throw new IOException("it would take more than the limit of " + cache.limit() + " bytes");
      }
    } catch (IOException e) {
      fail(e);
    }
  }

  private void fail(IOException e) {
    failed = true;
    LOG.log(
        System.Logger.Level.WARNING,
        "packed weights are not kept in {0}: {1}",
        path,
        PackedCache.reason(e));
    abandon();
  }

  private void abandon() {
    PackedFileWriter abandoned = writer;
    writer = null;
    try {
      if (abandoned != null) {
        abandoned.close();
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "a temporary file is left over: {0}", e);
    }
  }

  /** Whether the weights that were kept are still wanted. */
  @FunctionalInterface
  public interface Condition {
    boolean holds();
  }

  /**
   * All weights were found or kept.
   *
   * @param condition asked last before anything is put in place
   */
  public void finish(Condition condition) {
    if (writer == null) {
      return;
    }
    try {
      if (!condition.holds()) {
        throw new IOException("the checkpoint changed while it was read");
      }
      writer.commit(key);
      written = writer.bytes();
      abandon(); // nothing is left of it but an open file
      cache.sweep(path);
    } catch (IOException e) {
      fail(e);
    }
  }

  /** Unmaps the weights. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    abandon();
    if (file != null) {
      file.close();
    }
  }
}
