package dev.sinter;

import java.util.Locale;

/**
 * How a {@link Sinter} is opened. Where the folder of the cache lies is a matter of the process,
 * not of one handle: property {@code sinter.cache}.
 *
 * @param threads workers, at least 1
 * @param backend name of a backend to force, or null for the planner's choice
 * @param isa the highest instruction set to use ({@code scalar}, {@code avx2}, {@code avxvnni},
 *     {@code avx512vnni}), or null for all the host has
 * @param plan a file of {@link dev.sinter.backend.Timings} that the planner goes by, {@code off}
 *     for its list alone, or null for what {@link Calibration} found out on this machine, if
 *     anything
 * @param secondPackingBytes what all layers together may take to hold sparse weights packed as such
 *     besides dense, where each form is faster for other numbers of rows; at least 0. A layer that
 *     no longer fits holds the dense form alone, and says so
 * @param packedCache the folder that keeps the packed weights of decoders, see {@link
 *     dev.sinter.layout.PackedCache}; {@code off} for none, or null for {@code packed} in the cache
 *     folder, which keeps those of large models only
 * @param packedCacheBytes what the files in that folder may take together, at least 0: the ones
 *     that were not used for longest make room
 */
public record SinterOptions(
    int threads,
    String backend,
    String isa,
    String plan,
    long secondPackingBytes,
    String packedCache,
    long packedCacheBytes) {
  /** The {@link #plan} of a planner that goes by its list alone. */
  public static final String NO_PLAN = "off";

  /**
   * 1 GiB: room for the second form of 1.7 billion int8 weights in 2:4, so all of a small model's,
   * while the memory that a large one takes does not grow by half unasked.
   */
  public static final long SECOND_PACKING_BYTES = 1L << 30;

  /** The {@link #packedCache} that keeps nothing. */
  public static final String NO_PACKED_CACHE = "off";

  /** 16 GiB: a model of 8 billion weights in int4 and int8, and some small ones. */
  public static final long PACKED_CACHE_BYTES = 16L << 30;

  public SinterOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("sinter.threads must be at least 1, got " + threads);
    }
    if (secondPackingBytes < 0) {
      throw new IllegalArgumentException(
          "sinter.secondPackingBytes must be at least 0, got " + secondPackingBytes);
    }
    if (packedCacheBytes < 0) {
      throw new IllegalArgumentException(
          "sinter.packedCacheBytes must be at least 0, got " + packedCacheBytes);
    }
  }

  /** With what this machine is known to run fastest. */
  public SinterOptions(int threads, String backend, String isa) {
    this(threads, backend, isa, null, SECOND_PACKING_BYTES, null, PACKED_CACHE_BYTES);
  }

  /**
   * As the process asks: system properties {@code sinter.threads}, {@code sinter.backend}, {@code
   * sinter.isa}, {@code sinter.plan}, {@code sinter.secondPackingBytes}, {@code sinter.packedCache}
   * and {@code sinter.packedCacheBytes}, else environment variables {@code SINTER_THREADS}, {@code
   * SINTER_SECOND_PACKING_BYTES} and so on, else all cores that the container really has, nothing
   * forced, nothing capped, {@link #SECOND_PACKING_BYTES}, {@link #PACKED_CACHE_BYTES}.
   *
   * @throws IllegalArgumentException if a value is not what it must be
   */
  public static SinterOptions defaults() {
    long threads = number("threads", Runtime.getRuntime().availableProcessors());
    return new SinterOptions(
        Math.toIntExact(Math.clamp(threads, Integer.MIN_VALUE, Integer.MAX_VALUE)),
        setting("backend"),
        setting("isa"),
        setting("plan"),
        number("secondPackingBytes", SECOND_PACKING_BYTES),
        setting("packedCache"),
        number("packedCacheBytes", PACKED_CACHE_BYTES));
  }

  public SinterOptions withThreads(int threads) {
    return new SinterOptions(
        threads, backend, isa, plan, secondPackingBytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withBackend(String backend) {
    return new SinterOptions(
        threads, backend, isa, plan, secondPackingBytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withIsa(String isa) {
    return new SinterOptions(
        threads, backend, isa, plan, secondPackingBytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withPlan(String plan) {
    return new SinterOptions(
        threads, backend, isa, plan, secondPackingBytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withSecondPackingBytes(long bytes) {
    return new SinterOptions(threads, backend, isa, plan, bytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withPackedCache(String packedCache) {
    return new SinterOptions(
        threads, backend, isa, plan, secondPackingBytes, packedCache, packedCacheBytes);
  }

  public SinterOptions withPackedCacheBytes(long bytes) {
    return new SinterOptions(threads, backend, isa, plan, secondPackingBytes, packedCache, bytes);
  }

  private static long number(String name, long otherwise) {
    String value = setting(name);
    try {
      return value == null ? otherwise : Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("sinter." + name + " is not a number: '" + value + "'", e);
    }
  }

  private static String setting(String name) {
    String value = System.getProperty("sinter." + name);
    String variable = name.replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT);
    return value != null ? value : System.getenv("SINTER_" + variable);
  }
}
