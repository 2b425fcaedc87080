package dev.sinter.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A matrix to multiply by, with the row counts to do it for.
 *
 * @param k inputs
 * @param n outputs
 * @param rows the values of M, each at least 1
 */
record Shape(int k, int n, List<Integer> rows) {
  /** A layer of this many weights or more is measured cold at M=1. */
  private static final long BIG = 1L << 22;

  Shape {
    if (k < 1 || n < 1) {
      throw new IllegalArgumentException("K and N must be at least 1, got " + k + " and " + n);
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("at least one M is needed");
    }
    for (int m : rows) {
      if (m < 1) {
        throw new IllegalArgumentException("M must be at least 1, got " + m);
      }
    }
    rows = List.copyOf(rows);
  }

  /** Whether a row reads its weights from memory and not from a cache. */
  boolean cold(int m) {
    return m == 1 && (long) k * n >= BIG;
  }

  /** {@code 4096x11008}: K, then N. */
  String label() {
    return k + "x" + n;
  }

  /** {@code 4096x11008, 2 threads}. */
  String label(int threads) {
    return label() + ", " + threads + (threads == 1 ? " thread" : " threads");
  }

  /** The inverse of {@link #label}, with one row count. */
  static Shape of(String label, int m) {
    String[] sides = label.split("x");
    return new Shape(Integer.parseInt(sides[0]), Integer.parseInt(sides[1]), List.of(m));
  }

  /**
   * Reads lines {@code K N M [M...]}; {@code #} starts a comment.
   *
   * @throws IllegalArgumentException naming the line that is wrong, or if there is none
   */
  static List<Shape> read(Path file) throws IOException {
    List<Shape> shapes = new ArrayList<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      String text = line.replaceFirst("#.*", "").strip();
      if (!text.isEmpty()) {
        try {
          shapes.add(parse(text));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(
              file + ", line " + number + ": " + e.getMessage() + ": '" + line.strip() + "'", e);
        }
      }
    }
    if (shapes.isEmpty()) {
      throw new IllegalArgumentException(file + " has no shape: lines are K N M [M...]");
    }
    return shapes;
  }

  private static Shape parse(String text) {
    List<Integer> numbers = new ArrayList<>();
    for (String word : text.split("\\s+")) {
      try {
        numbers.add(Integer.parseInt(word));
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException("'" + word + "' is not a number", e);
      }
    }
    if (numbers.size() < 3) {
      throw new IllegalArgumentException("expected K N M [M...]");
    }
    return new Shape(numbers.get(0), numbers.get(1), numbers.subList(2, numbers.size()));
  }
}
