package dev.sinter.backend;

import dev.sinter.tensor.Sparsity;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long the backends took for layers on this machine: what lets the {@link Planner} depart from
 * its list. On disk a properties file, a line for each layer, number of rows and backend:
 *
 * <pre>{@code i8-per-channel.u8_per_token.4096x4096.m32.cpu=2.561}</pre>
 *
 * <p>Sparse weights have their structure in the kind, any blocks being {@code blocks}, and the
 * percentage of weights that the kernel does not skip behind their size. Their times come with that
 * of the same weights as {@code dense} ones on the fastest backend:
 *
 * <pre>{@code i8-per-channel-blocks.u8_per_token.4096x4096.d50.m32.dense=2.561}</pre>
 *
 * Immutable.
 */
public final class Timings {
  /**
   * What was timed.
   *
   * @param kind of weights and activations, see {@link #kind}
   * @param percent of sparse weights that the kernel does not skip; 0 for dense ones
   * @param m rows
   */
  public record Layer(String kind, int k, int n, int percent, int m) {
    /** With dense weights. */
    public Layer(String kind, int k, int n, int m) {
      this(kind, k, n, 0, m);
    }

    String key() {
      return kind + "." + k + "x" + n + (percent == 0 ? "" : ".d" + percent) + ".m" + m;
    }
  }

  /** Instead of a backend: the weights as dense ones, on the fastest. */
  public static final String DENSE = "dense";

  private static final Timings NONE = new Timings(Map.of());
  private static final Pattern KEY =
      Pattern.compile(
          "(?<kind>[^.]+[.][^.]+)[.](?<k>\\d+)x(?<n>\\d+)([.]d(?<d>\\d+))?[.]m(?<m>\\d+)[.](?<by>\\w+)");

  // In the order in which they were measured, or of their keys if they were read.
  private final Map<Layer, Map<String, Double>> millis;

  /**
   * @param millis of each layer a call's milliseconds by the name of the backend; above 0
   * @throws IllegalArgumentException for a time that is not
   */
  public Timings(Map<Layer, Map<String, Double>> millis) {
    Map<Layer, Map<String, Double>> copy = new LinkedHashMap<>();
    millis.forEach((layer, times) -> copy.put(layer, new TreeMap<>(times)));
    copy.forEach(
        (layer, times) ->
            times.forEach(
                (by, ms) -> {
                  if (!(ms > 0 && ms < Double.POSITIVE_INFINITY)) {
                    throw new IllegalArgumentException(
                        layer.key() + "." + by + " is " + ms + ", must be a time above 0");
                  }
                }));
    this.millis = Collections.unmodifiableMap(copy);
  }

  /** Nothing was measured. */
  public static Timings none() {
    return NONE;
  }

  /** Of each layer a call's milliseconds by the name of the backend. */
  public Map<Layer, Map<String, Double>> millis() {
    return millis;
  }

  /** Weights and activations as the files name them: {@code i8-per-channel.u8_per_token}. */
  public static String kind(MatmulSpec spec) {
    String structure =
        switch (spec.sparsity()) {
          case null -> "";
          case Sparsity.Blocks _ -> " blocks";
          case Sparsity other -> " " + other.id();
        };
    return (spec.dense().weightType() + structure + "." + spec.activations())
        .toLowerCase(java.util.Locale.ROOT)
        .replace(' ', '-');
  }

  /**
   * How many times as long as the fastest each backend takes for such a layer: the geometric mean
   * over the numbers of rows, from the measured layers nearest in size.
   *
   * @param backends to be compared
   * @return of each one; empty unless all of them were measured
   */
  public Map<String, Double> slowdowns(MatmulSpec spec, Set<String> backends) {
    String kind = kind(spec);
    List<Layer> candidates =
        millis.keySet().stream()
            .filter(l -> l.kind().equals(kind) && millis.get(l).keySet().containsAll(backends))
            .toList();
    if (candidates.isEmpty() || backends.isEmpty()) {
      return Map.of();
    }
    Layer nearest = Collections.min(candidates, Comparator.comparingDouble(l -> distance(l, spec)));
    List<Layer> same =
        candidates.stream().filter(l -> l.k() == nearest.k() && l.n() == nearest.n()).toList();
    Map<String, Double> means = new TreeMap<>();
    for (String backend : backends) {
      double logs = same.stream().mapToDouble(l -> Math.log(millis.get(l).get(backend))).sum();
      means.put(backend, Math.exp(logs / same.size()));
    }
    double best = Collections.min(means.values());
    means.replaceAll((by, mean) -> mean / best);
    return means;
  }

  /**
   * How much faster sparse weights are as such, from the measured layers nearest in size; between
   * the measured densities by a straight line through the times, which it also follows to higher
   * ones, while lower ones count as the lowest.
   *
   * @param density share of weights that the kernel does not skip
   * @param backend that would run them
   * @return null if nothing like it was measured
   */
  SparseSpeedups speedups(MatmulSpec spec, double density, String backend) {
    String kind = kind(spec);
    Set<String> both = Set.of(backend, DENSE);
    List<Layer> candidates =
        millis.keySet().stream()
            .filter(l -> l.kind().equals(kind) && millis.get(l).keySet().containsAll(both))
            .toList();
    if (candidates.isEmpty()) {
      return null;
    }
    Layer nearest = Collections.min(candidates, Comparator.comparingDouble(l -> distance(l, spec)));
    TreeMap<Integer, TreeMap<Integer, Double>> times = new TreeMap<>(); // by rows and percent
    for (Layer l : candidates) {
      if (l.k() == nearest.k() && l.n() == nearest.n()) {
        Map<String, Double> of = millis.get(l);
        times
            .computeIfAbsent(l.m(), m -> new TreeMap<>())
            .put(l.percent(), of.get(backend) / of.get(DENSE));
      }
    }
    TreeMap<Integer, Double> speedups = new TreeMap<>();
    times.forEach((m, byPercent) -> speedups.put(m, 1 / at(byPercent, 100 * density)));
    return new SparseSpeedups(speedups);
  }

  /** The time by that of dense weights. */
  private static double at(TreeMap<Integer, Double> byPercent, double percent) {
    int lowest = byPercent.firstKey();
    if (percent <= lowest || byPercent.size() == 1) {
      return byPercent.get(lowest);
    }
    Integer above = byPercent.ceilingKey((int) Math.ceil(percent));
    int high = above == null ? byPercent.lastKey() : above;
    int low = byPercent.lowerKey(high);
    double slope = (byPercent.get(high) - byPercent.get(low)) / (high - low);
    // Noise must not make more work faster.
    return byPercent.get(low) + Math.max(0, slope) * (percent - low);
  }

  private static double distance(Layer layer, MatmulSpec spec) {
    return Math.abs(Math.log((double) layer.k() * layer.n() / ((double) spec.k() * spec.n())));
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IOException if the file cannot be read, or a line is not what this class writes; the
   *     message names it
   */
  public static Timings read(Path file) throws IOException {
    Properties lines = new Properties();
    try (Reader in = Files.newBufferedReader(file)) {
      lines.load(in);
      Map<Layer, Map<String, Double>> millis = new LinkedHashMap<>();
      for (String key : lines.stringPropertyNames().stream().sorted().toList()) {
        Matcher m = KEY.matcher(key);
        if (!m.matches()) {
          throw new IOException(file + ": '" + key + "' is no layer, rows and backend");
        }
        Layer layer =
            new Layer(
                m.group("kind"),
                Integer.parseInt(m.group("k")),
                Integer.parseInt(m.group("n")),
                m.group("d") == null ? 0 : Integer.parseInt(m.group("d")),
                Integer.parseInt(m.group("m")));
        millis
            .computeIfAbsent(layer, l -> new TreeMap<>())
            .put(m.group("by"), Double.valueOf(lines.getProperty(key)));
      }
      return new Timings(millis);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes the file whole or not at all.
   *
   * @param comment on its first line
   */
  public void write(Path file, String comment) throws IOException {
    Properties lines = new Properties();
    millis.forEach(
        (layer, times) ->
            times.forEach((by, ms) -> lines.setProperty(layer.key() + "." + by, ms.toString())));
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    Path temporary = Files.createTempFile(folder, file.getFileName().toString(), ".tmp");
    try {
      try (Writer out = Files.newBufferedWriter(temporary)) {
        lines.store(out, comment);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  @Override
  public String toString() {
    return new ArrayList<>(millis.entrySet()).toString();
  }
}
