package dev.sinter;

import dev.sinter.backend.Backend;
import dev.sinter.backend.Planner;
import dev.sinter.backend.cpu.CpuBackend;
import dev.sinter.backend.onednn.OneDnnBackend;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.backend.vector.VectorBackend;
import dev.sinter.runtime.WorkerPool;
import java.util.List;

/**
 * What an embedding server opens once and closes at the end: the worker threads, the backends and
 * the planner that its layers and models share. Thread-safe.
 *
 * <p>Close models and layers before it. {@link #close} waits for running passes; later use is an
 * IllegalStateException.
 */
public final class Sinter implements AutoCloseable {
  private final SinterOptions options;
  private final WorkerPool pool;
  private final List<Backend> backends;
  private final Planner planner;
  private boolean closed;

  private Sinter(SinterOptions options) {
    this.options = options;
    pool = new WorkerPool("sinter-worker", options.threads());
    try {
      // The order of preference. A backend that has no kernel for an operation is passed over.
      backends =
          List.of(
              new CpuBackend(pool.threads(), options.isa()),
              new OneDnnBackend(pool, options.isa()),
              new VectorBackend(pool.threads(), 0),
              new ReferenceBackend());
      planner = new Planner(backends, options.backend());
    } catch (RuntimeException | Error e) {
      pool.close();
      throw e;
    }
  }

  /** Opens with {@link SinterOptions#defaults}. */
  public static Sinter open() {
    return open(SinterOptions.defaults());
  }

  /**
   * @throws IllegalArgumentException if an option names a backend or instruction set that does not
   *     exist or that the host lacks
   */
  public static Sinter open(SinterOptions options) {
    return new Sinter(options);
  }

  public SinterOptions options() {
    return options;
  }

  /** Number of worker threads. */
  public int threads() {
    return pool.threads();
  }

  public WorkerPool pool() {
    return pool;
  }

  /** In order of preference. */
  public List<Backend> backends() {
    return backends;
  }

  public Planner planner() {
    return planner;
  }

  /** Waits for running passes, then ends the threads and frees the backends. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    pool.close();
    for (Backend backend : backends.reversed()) {
      backend.close();
    }
  }
}
