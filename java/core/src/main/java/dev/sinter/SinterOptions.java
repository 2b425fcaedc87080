package dev.sinter;

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
 */
public record SinterOptions(int threads, String backend, String isa, String plan) {
  /** The {@link #plan} of a planner that goes by its list alone. */
  public static final String NO_PLAN = "off";

  public SinterOptions {
    if (threads < 1) {
      throw new IllegalArgumentException("sinter.threads must be at least 1, got " + threads);
    }
  }

  /** With what this machine is known to run fastest. */
  public SinterOptions(int threads, String backend, String isa) {
    this(threads, backend, isa, null);
  }

  /**
   * As the process asks: system properties {@code sinter.threads}, {@code sinter.backend}, {@code
   * sinter.isa} and {@code sinter.plan}, else environment variables {@code SINTER_THREADS} and so
   * on, else all cores that the container really has, nothing forced, nothing capped.
   *
   * @throws IllegalArgumentException if a value is not what it must be
   */
  public static SinterOptions defaults() {
    String threads = setting("threads");
    int count = Runtime.getRuntime().availableProcessors();
    if (threads != null) {
      try {
        count = Integer.parseInt(threads);
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException("sinter.threads is not a number: '" + threads + "'", e);
      }
    }
    return new SinterOptions(count, setting("backend"), setting("isa"), setting("plan"));
  }

  public SinterOptions withThreads(int threads) {
    return new SinterOptions(threads, backend, isa, plan);
  }

  public SinterOptions withBackend(String backend) {
    return new SinterOptions(threads, backend, isa, plan);
  }

  public SinterOptions withIsa(String isa) {
    return new SinterOptions(threads, backend, isa, plan);
  }

  public SinterOptions withPlan(String plan) {
    return new SinterOptions(threads, backend, isa, plan);
  }

  private static String setting(String name) {
    String value = System.getProperty("sinter." + name);
    return value != null
        ? value
        : System.getenv("SINTER_" + name.toUpperCase(java.util.Locale.ROOT));
  }
}
