package dev.sinter;

import dev.sinter.backend.Backend;
import dev.sinter.backend.Epilogue;
import dev.sinter.backend.MatmulSpec;
import dev.sinter.backend.Timings;
import dev.sinter.compress.Quantizer;
import dev.sinter.layer.Linear;
import dev.sinter.runtime.CpuFeatures;
import dev.sinter.runtime.NativeLibraries;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Scheme;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Finds out which backend runs a layer fastest on this machine, where several can, and from which
 * density and up to how many rows sparse weights are faster than dense ones: by timing layers of
 * two sizes in every scheme, in some tens of seconds. What it finds is kept in the cache folder,
 * for the CPU, the kernels' build, the number of threads and the cap on instruction sets that it
 * was found with, and every {@link Sinter} that is opened alike then goes by it.
 *
 * <p>Nothing calibrates by itself: a server's plan changes when its owner says so, and can be
 * pinned by {@link SinterOptions#plan}.
 */
public final class Calibration {
  private static final System.Logger LOG = System.getLogger(Calibration.class.getName());

  /** Never faster than native code, and slow for as long as the JVM has not compiled them. */
  static final Set<String> PORTABLE = Set.of("vector", "reference");

  // Weights that a second-level cache holds, and weights that only memory does.
  private static final int[] SIZES = {512, 4096};
  private static final int[] ROWS = {1, 32, 256};
  private static final int MOST_ROWS = 256;

  private static final int TURNS = 4;
  private static final long TURN_NANOS = 15_000_000;
  private static final int LEAST_CALLS = 2;

  /** Told what is measured next: {@code done} of {@code total}. */
  @FunctionalInterface
  public interface Progress {
    void step(String what, int done, int total);
  }

  private record Kind(Scheme scheme, MatmulSpec spec, List<String> backends) {}

  private Calibration() {}

  /**
   * Measures. Other work on the machine meanwhile disturbs, though the backends take turns and the
   * best call of each counts. Needs 600 MB.
   *
   * @param options whose number of threads and cap on instruction sets count; nothing is forced
   */
  public static Timings measure(SinterOptions options, Progress progress) {
    SinterOptions free = options.withBackend(null).withPlan(SinterOptions.NO_PLAN);
    Map<Timings.Layer, Map<String, Double>> millis = new LinkedHashMap<>();
    List<Kind> kinds;
    List<SparseCalibration.Kind> sparse;
    try (Sinter sinter = Sinter.open(free)) {
      kinds = Scheme.DEFAULTS.stream().map(s -> kind(sinter, s)).filter(k -> k != null).toList();
      sparse = SparseCalibration.kinds(sinter);
    }
    int total = SIZES.length * (kinds.size() + sparse.size());
    int done = 0;
    for (int size : SIZES) {
      for (Kind kind : kinds) {
        progress.step(kind.scheme().id() + " " + size + "x" + size, done++, total);
        time(kind, size, free, millis);
      }
    }
    for (int size : SIZES) {
      for (SparseCalibration.Kind kind : sparse) {
        progress.step(kind.label() + " " + size + "x" + size, done++, total);
        SparseCalibration.time(kind, size, free, millis);
      }
    }
    progress.step("done", done, total);
    return new Timings(millis);
  }

  /** A scheme that several native backends run here; null for others. */
  private static Kind kind(Sinter sinter, Scheme scheme) {
    try (Arena arena = Arena.ofShared()) {
      int size = SIZES[0];
      MatmulSpec spec =
          MatmulSpec.of(weights(scheme, size, size, arena), scheme.activations(), Epilogue.NONE);
      List<String> able =
          sinter.backends().stream()
              .filter(b -> !PORTABLE.contains(b.name()) && b.supports(spec).supported())
              .map(Backend::name)
              .toList();
      return able.size() > 1 ? new Kind(scheme, spec, able) : null;
    }
  }

  private static void time(
      Kind kind, int size, SinterOptions free, Map<Timings.Layer, Map<String, Double>> millis) {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    List<Sinter> opened = new ArrayList<>();
    try (Arena arena = Arena.ofShared()) {
      CompressedTensor weights = weights(kind.scheme(), size, size, arena);
      for (String backend : kind.backends()) {
        Sinter sinter = Sinter.open(free.withBackend(backend));
        opened.add(sinter);
        contenders.put(backend, Contender.of(sinter, weights, kind.scheme()));
      }
      MemorySegment x = uniform(MOST_ROWS, size, arena);
      MemorySegment y = arena.allocate(4L * MOST_ROWS * size, 64);
      for (int m : ROWS) {
        Map<String, Double> best = best(contenders, x, m, y);
        millis.put(new Timings.Layer(Timings.kind(kind.spec()), size, size, m), best);
      }
    } finally {
      contenders.values().forEach(Contender::close);
      opened.forEach(Sinter::close);
    }
  }

  /** Each one's milliseconds for {@code m} rows. They take turns. */
  static Map<String, Double> best(
      Map<String, Contender> contenders, MemorySegment x, int m, MemorySegment y) {
    Map<String, Double> best = new LinkedHashMap<>();
    for (int turn = 0; turn < TURNS; turn++) {
      contenders.forEach((name, c) -> best.merge(name, c.best(x, m, y), Math::min));
    }
    return best;
  }

  /** A layer to be timed. */
  record Contender(Linear layer) implements AutoCloseable {
    static Contender of(Sinter sinter, CompressedTensor weights, Scheme scheme) {
      return new Contender(Linear.of(sinter, weights, (float[]) null, scheme.activations()));
    }

    /** Milliseconds of the fastest call of a turn: whatever else the machine does only adds. */
    double best(MemorySegment x, int m, MemorySegment y) {
      layer.forward(x, m, y);
      long best = Long.MAX_VALUE;
      long start = System.nanoTime();
      long now = start;
      for (int calls = 0; calls < LEAST_CALLS || now - start < TURN_NANOS; calls++) {
        long before = now;
        layer.forward(x, m, y);
        now = System.nanoTime();
        best = Math.min(best, now - before);
      }
      return best / 1e6;
    }

    @Override
    public void close() {
      layer.close();
    }
  }

  private static CompressedTensor weights(Scheme scheme, int n, int k, Arena arena) {
    return weights(scheme, new Dense("calibration", n, k, DType.F32, uniform(n, k, arena)), arena);
  }

  static FullTensor weights(Scheme scheme, Dense dense, Arena arena) {
    return switch (scheme.kind()) {
      case F32 -> dense;
      case BF16 -> dense.toBf16(arena);
      default -> Quantizer.quantize(dense, scheme.codes(), arena);
    };
  }

  static MemorySegment uniform(int rows, int columns, Arena arena) {
    SplittableRandom random = new SplittableRandom(1);
    MemorySegment values = arena.allocate(4L * rows * columns, 64);
    for (long i = 0; i < (long) rows * columns; i++) {
      values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble() - 0.5f);
    }
    return values;
  }

  /**
   * Where the timings for such options are kept.
   *
   * @throws java.nio.file.InvalidPathException if the setting of the cache folder is no path
   */
  public static Path file(SinterOptions options) {
    CpuFeatures cpu = CpuFeatures.host();
    MessageDigest digest = sha256();
    for (Object part :
        List.of(cpu.model(), cpu.features(), options.threads(), String.valueOf(options.isa()))) {
      digest.update((part + "\n").getBytes(StandardCharsets.UTF_8));
    }
    for (NativeLibraries.LoadedLibrary library :
        List.of(NativeLibraries.sinter(), NativeLibraries.oneDnn())) {
      // The folder that a library is unpacked to has its name from the library's content.
      digest.update((library + "\n").getBytes(StandardCharsets.UTF_8));
    }
    String id = HexFormat.of().formatHex(digest.digest(), 0, 8);
    return NativeLibraries.cacheDirectory().resolve("plan").resolve(id + ".properties");
  }

  /**
   * Writes timings with a line that says of what.
   *
   * @param file {@link #file} of the options, to count for all that are opened with them
   */
  public static void save(Timings timings, SinterOptions options, Path file) throws IOException {
    timings.write(
        file, CpuFeatures.host().model() + ", " + options.threads() + " threads, milliseconds");
  }

  /**
   * What a planner is to go by.
   *
   * @throws IllegalArgumentException if the options name a file that cannot be read
   */
  static Timings timings(SinterOptions options) {
    if (SinterOptions.NO_PLAN.equals(options.plan())) {
      return Timings.none();
    }
    if (options.plan() != null) {
      try {
        return Timings.read(Path.of(options.plan()));
      } catch (IOException e) {
        throw new IllegalArgumentException("sinter.plan: " + reason(e), e);
      }
    }
    try {
      Path file = file(options);
      return Files.exists(file) ? Timings.read(file) : Timings.none();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "the plan is not used: {0}", reason(e));
      return Timings.none();
    }
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException ? "no file " + e.getMessage() : e.getMessage();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
