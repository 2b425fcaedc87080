package dev.sinter;

import dev.sinter.backend.Backend;
import dev.sinter.backend.PackingBudget;
import dev.sinter.backend.Planner;
import dev.sinter.backend.Timings;
import dev.sinter.backend.cpu.CpuBackend;
import dev.sinter.backend.onednn.OneDnnBackend;
import dev.sinter.backend.reference.ReferenceBackend;
import dev.sinter.backend.vector.VectorBackend;
import dev.sinter.layout.PackedCache;
import dev.sinter.layout.PackedModel;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeLibraries;
import dev.sinter.runtime.WorkerPool;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an embedding server opens once and closes at the end: the worker threads, the backends and
 * the planner that its layers and models share. Thread-safe.
 *
 * <p>Close models and layers before it. {@link #close} waits for running passes; later use is an
 * IllegalStateException.
 */
public final class Sinter implements AutoCloseable {
  /** Bytes of a model that take a second to load. */
  private static final long WORTH_KEEPING = 128L << 20;

  private final SinterOptions options;
  private final WorkerPool pool;
  private final List<Backend> backends;
  private final Planner planner;
  private final PackingBudget packingBudget;
  private boolean closed;

  private Sinter(SinterOptions options, Timings timings) {
    this.options = options;
    packingBudget = new PackingBudget(options.secondPackingBytes());
    pool = new WorkerPool("sinter-worker", options.threads());
    List<Backend> opened = new ArrayList<>();
    try {
      // The order of preference. A backend that has no kernel for an operation is passed over.
      opened.add(new CpuBackend(pool, options.isa()));
      opened.add(new OneDnnBackend(pool, options.isa()));
      opened.add(new VectorBackend(pool.threads(), 0));
      opened.add(new ReferenceBackend());
      backends = List.copyOf(opened);
      planner = new Planner(backends, options.backend(), timings);
    } catch (RuntimeException | Error e) {
      close(pool, opened);
      throw e;
    }
  }

  /** Opens with {@link SinterOptions#defaults}. */
  public static Sinter open() {
    return open(SinterOptions.defaults());
  }

  /**
   * @throws IllegalArgumentException if an option names a backend or instruction set that does not
   *     exist or that the host lacks, or if {@link SinterOptions#plan} names no file of timings
   */
  public static Sinter open(SinterOptions options) {
    return open(options, Calibration.timings(options));
  }

  /** With these timings, whatever the options say of a plan. */
  static Sinter open(SinterOptions options, Timings timings) {
    return new Sinter(options, timings);
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

  /** What is left of {@link SinterOptions#secondPackingBytes}. */
  public PackingBudget packingBudget() {
    return packingBudget;
  }

  /**
   * The weights of a model as they were packed for this machine's CPU and this build's kernels,
   * where {@link SinterOptions#packedCache} says.
   *
   * @param model tells it from all others, and its content from any other
   * @param scheme its compression
   * @param bytes of its files: what is small is only kept in a folder that was named
   * @throws java.nio.file.InvalidPathException if the setting is no path
   */
  public PackedModel packed(String model, String scheme, long bytes) {
    String setting = options.packedCache();
    if (SinterOptions.NO_PACKED_CACHE.equals(setting)
        || (setting == null && bytes < WORTH_KEEPING)) {
      return PackedModel.none();
    }
    Optional<String> build = NativeLibraries.sinterBuild();
    if (build.isEmpty()) {
      return PackedModel.none(); // no kernel takes packed weights
    }
    Path folder =
        setting == null ? NativeLibraries.cacheDirectory().resolve("packed") : Path.of(setting);
    List<String> key =
        List.of(
            model,
            scheme,
            build.get(),
            String.join(" ", CpuFeatures.host().features()),
            String.valueOf(options.isa()));
    return new PackedCache(folder.toAbsolutePath(), options.packedCacheBytes()).open(key, pool);
  }

  /** Waits for running passes, then ends the threads and frees the backends. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    close(pool, backends);
  }

  private static void close(WorkerPool pool, List<Backend> backends) {
    pool.close();
    backends.reversed().forEach(Backend::close);
  }
}
