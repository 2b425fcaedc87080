package dev.sinter.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** A table of aligned columns, two blanks apart. */
public final class TextTable {
  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;

  /**
   * @param headers titles of the columns; one that starts with {@code >} is aligned to the right
   */
  public TextTable(String... headers) {
    right = new boolean[headers.length];
    String[] titles = new String[headers.length];
    for (int c = 0; c < headers.length; c++) {
      right[c] = headers[c].startsWith(">");
      titles[c] = right[c] ? headers[c].substring(1) : headers[c];
    }
    rows.add(titles);
  }

  public TextTable row(String... cells) {
    if (cells.length != right.length) {
      throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
    }
    rows.add(cells.clone());
    return this;
  }

  public void print(PrintStream out) {
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        widths[c] = Math.max(widths[c], width(row[c]));
      }
    }
    for (int r = 0; r < rows.size(); r++) {
      out.println(line(rows.get(r), widths));
      if (r == 0) {
        StringBuilder rule = new StringBuilder();
        for (int w : widths) {
          rule.append(rule.isEmpty() ? "" : "  ").append("-".repeat(w));
        }
        out.println(rule);
      }
    }
  }

  private String line(String[] row, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < row.length; c++) {
      String blanks = " ".repeat(widths[c] - width(row[c]));
      line.append(c == 0 ? "" : "  ");
      line.append(right[c] ? blanks + row[c] : row[c] + blanks);
    }
    return line.toString().stripTrailing();
  }

  private static int width(String s) {
    return s.codePointCount(0, s.length());
  }

  /** The text, cut to at most {@code width} characters; a cut shows as three dots. */
  static String cut(String text, int width) {
    return width(text) <= width
        ? text
        : text.substring(0, text.offsetByCodePoints(0, width - 3)).stripTrailing() + "...";
  }
}
