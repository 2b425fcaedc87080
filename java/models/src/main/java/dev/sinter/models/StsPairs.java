package dev.sinter.models;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the STS Benchmark (Cer et al., 2017): lines of genre, file, year, id, score and two
 * sentences, separated by tabs. There is no header and no quoting; more columns are ignored.
 */
public final class StsPairs {
  private static final int SCORE = 4;
  private static final int FIRST = 5;
  private static final int SECOND = 6;
  private static final double MAX_SCORE = 5;

  private StsPairs() {}

  /**
   * @param score how similar the sentences are to people, 0 to 5
   */
  public record Pair(double score, String first, String second) {}

  /**
   * All pairs, in file order; at least one.
   *
   * @throws IllegalArgumentException if a line is malformed, or there is none
   * @throws UncheckedIOException if the file cannot be read or is not UTF-8
   */
  public static List<Pair> read(Path csv) {
    List<String> lines;
    try {
      lines = Files.readAllLines(csv);
    } catch (IOException e) {
      throw new UncheckedIOException(csv + " cannot be read: " + e, e);
    }
    List<Pair> pairs = new ArrayList<>(lines.size());
    for (int i = 0; i < lines.size(); i++) {
      pairs.add(parse(csv + ", line " + (i + 1), lines.get(i)));
    }
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(csv + ": no pairs");
    }
    return List.copyOf(pairs);
  }

  private static Pair parse(String where, String line) {
    String[] columns = line.split("\t", -1);
    if (columns.length <= SECOND) {
      throw new IllegalArgumentException(
          where + ": " + columns.length + " columns, expected at least " + (SECOND + 1));
    }
    if (columns[FIRST].isBlank() || columns[SECOND].isBlank()) {
      throw new IllegalArgumentException(where + ": an empty sentence");
    }
    double score;
    try {
      score = Double.parseDouble(columns[SCORE]);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          where + ": score \"" + columns[SCORE] + "\" is no number", e);
    }
    if (!(score >= 0 && score <= MAX_SCORE)) {
      throw new IllegalArgumentException(where + ": score " + score + ", must be 0 to 5");
    }
    return new Pair(score, columns[FIRST], columns[SECOND]);
  }
}
