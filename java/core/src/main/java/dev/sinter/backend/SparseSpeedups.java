package dev.sinter.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/**
 * How many times as fast as the same weights as dense ones a kernel runs sparse ones, for each
 * number of rows that was timed; and what follows from it. Immutable.
 */
final class SparseSpeedups {
  /** Slower than this for any number of rows, sparse weights are not held alone. */
  private static final double LEAST = 0.9;

  /** What holding both must gain where the sparse ones run: they take memory. */
  private static final double GAIN_OF_BOTH = 1.1;

  private final int[] rows;
  private final double[] logs; // of the speedups

  /**
   * @param byRows at least one, each above 0
   */
  SparseSpeedups(SortedMap<Integer, Double> byRows) {
    rows = byRows.keySet().stream().mapToInt(m -> m).toArray();
    logs = byRows.values().stream().mapToDouble(Math::log).toArray();
  }

  /**
   * Where one form takes over from the other.
   *
   * @param most rows of the form for few
   * @param sparseFirst whether that is the sparse one
   * @param few what the speedups are up to there, in words
   * @param more and from there on
   * @param gain of the sparse form where it runs
   */
  record Split(int most, boolean sparseFirst, String few, String more, double gain) {}

  /** Whether sparse weights alone are best: never much slower, and faster on the whole. */
  boolean pays() {
    double least = Double.POSITIVE_INFINITY;
    for (double log : logs) {
      least = Math.min(least, log);
    }
    return sum(0, logs.length) > 0 && least >= Math.log(LEAST);
  }

  /** What the best form, or both, gain, in logarithms added up; 0 for dense weights alone. */
  double gain() {
    Split split = split();
    return pays() ? sum(0, logs.length) : split == null ? 0 : split.gain();
  }

  /** The best one, if both forms are worth it; else null. */
  Split split() {
    int best = 0;
    boolean sparseFirst = false;
    double gain = 0;
    for (int i = 1; i < rows.length; i++) {
      double few = sum(0, i);
      double more = sum(i, rows.length);
      double larger = Math.max(few, more);
      int points = few >= more ? i : rows.length - i;
      if (larger > gain && larger >= points * Math.log(GAIN_OF_BOTH)) {
        gain = larger;
        best = i;
        sparseFirst = few >= more;
      }
    }
    return best == 0
        ? null
        : new Split(crossing(best), sparseFirst, words(0, best), words(best, rows.length), gain);
  }

  private double sum(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += logs[i];
    }
    return sum;
  }

  /** Rows up to which the form of the points before {@code next} is the faster one. */
  private int crossing(int next) {
    int last = next - 1;
    double step = logs[last] - logs[next];
    double part = step == 0 ? 0 : Math.clamp(logs[last] / step, 0, 1);
    double m = rows[last] * Math.pow((double) rows[next] / rows[last], part);
    return Math.clamp((int) m, rows[last], rows[next] - 1);
  }

  private String words(int from, int to) {
    List<String> words = new ArrayList<>();
    for (int i = from; i < to; i++) {
      words.add(String.format(Locale.ROOT, "M=%d: sparse %.2fx", rows[i], Math.exp(logs[i])));
    }
    return String.join(", ", words);
  }

  /** {@code M=1: sparse 1.50x, M=32: sparse 0.90x}. */
  @Override
  public String toString() {
    return words(0, rows.length);
  }
}
