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
 */
public record SinterOptions(
    int threads, String backend, String isa, String plan, long secondPackingBytes) {
  /** The {@link #plan} of a planner that goes by its list alone. */
  public static final String NO_PLAN = "off";

  /**
   * 1 GiB: room for the second form of 1.7 billion int8 weights in 2:4, so all of a small model's,
   * while the memory that a large one takes does not grow by half unasked.
   */
  public static final long SECOND_PACKING_BYTES = 1L << 30;

  public SinterOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("sinter.threads must be at least 1, got " + threads);
    }
    if (secondPackingBytes < 0) {
      throw new IllegalArgumentException(
          "sinter.secondPackingBytes must be at least 0, got " + secondPackingBytes);
    }
  }

  /** With what this machine is known to run fastest. */
  public SinterOptions(int threads, String backend, String isa) {
    this(threads, backend, isa, null, SECOND_PACKING_BYTES);
  }

  /**
   * As the process asks: system properties {@code sinter.threads}, {@code sinter.backend}, {@code
   * sinter.isa}, {@code sinter.plan} and {@code sinter.secondPackingBytes}, else environment
   * variables {@code SINTER_THREADS}, {@code SINTER_SECOND_PACKING_BYTES} and so on, else all cores
   * that the container really has, nothing forced, nothing capped, {@link #SECOND_PACKING_BYTES}.
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
        number("secondPackingBytes", SECOND_PACKING_BYTES));
  }

  public SinterOptions withThreads(int threads) {
    return new SinterOptions(threads, backend, isa, plan, secondPackingBytes);
  }

  public SinterOptions withBackend(String backend) {
    return new SinterOptions(threads, backend, isa, plan, secondPackingBytes);
  }

  public SinterOptions withIsa(String isa) {
    return new SinterOptions(threads, backend, isa, plan, secondPackingBytes);
  }

  public SinterOptions withPlan(String plan) {
    return new SinterOptions(threads, backend, isa, plan, secondPackingBytes);
  }

  public SinterOptions withSecondPackingBytes(long bytes) {
    return new SinterOptions(threads, backend, isa, plan, bytes);
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
