package dev.sinter.checkpoint;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds what a user may have meant by a name that does not exist. */
final class NearestNames {
  private static final int SHOWN = 3;

  private NearestNames() {}

  /** What to throw if {@code name} is not one of {@code names}. */
  static CheckpointException missing(String file, String name, Collection<String> names) {
    return new CheckpointException(
        file,
        name,
        CheckpointException.UNKNOWN_OFFSET,
        "no such tensor; the nearest names are " + of(name, names));
  }

  /** The names with the smallest edit distance (Levenshtein, 1966) to {@code wanted}. */
  static List<String> of(String wanted, Collection<String> names) {
    record Candidate(String name, int distance) {}
    return names.stream()
        .map(name -> new Candidate(name, distance(wanted, name)))
        .sorted(Comparator.comparingInt(Candidate::distance))
        .limit(SHOWN)
        .map(Candidate::name)
        .toList();
  }

  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    int[] current = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(substitute, 1 + Math.min(previous[j], current[j - 1]));
      }
      int[] swap = previous;
      previous = current;
      current = swap;
    }
    return previous[b.length()];
  }
}
