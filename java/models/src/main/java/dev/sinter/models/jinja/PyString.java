package dev.sinter.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What Python does with strings, which it counts in code points. */
final class PyString {
  private PyString() {}

  /** As {@code str.isspace}. */
  static boolean isSpace(int c) {
    return c >= 0x09 && c <= 0x0D
        || c >= 0x1C && c <= 0x20
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || c >= 0x2000 && c <= 0x200A
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  /**
   * @param characters to drop; null for white space
   */
  static String strip(String text, String characters, boolean start, boolean end) {
    int from = 0;
    int to = text.length();
    while (start && from < to && drops(characters, text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    while (end && to > from && drops(characters, text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  private static boolean drops(String characters, int c) {
    return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
  }

  static String strip(String text) {
    return strip(text, null, true, true);
  }

  static String stripEnd(String text) {
    return strip(text, null, false, true);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Every character as a string. */
  static List<Object> characters(String text) {
    List<Object> all = new ArrayList<>(text.length());
    text.codePoints().forEach(c -> all.add(Character.toString(c)));
    return all;
  }

  /** As {@code str.title}: a letter behind a letter is small, any other large. */
  static String title(String text) {
    StringBuilder title = new StringBuilder(text.length());
    boolean inWord = false;
    for (int c : text.codePoints().toArray()) {
      title.append(inWord ? lower(c) : titleCase(c));
      inWord = Character.isLetter(c);
    }
    return title.toString();
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    return titleCase(first) + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
  }

  private static String lower(int c) {
    return Character.toString(c).toLowerCase(Locale.ROOT);
  }

  private static String titleCase(int c) {
    int title = Character.toTitleCase(c);
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    // sharp s becomes Ss
    return upper.codePointCount(0, upper.length()) > 1 && title == c
        ? upper.substring(0, 1) + upper.substring(1).toLowerCase(Locale.ROOT)
        : Character.toString(title);
  }

  /** Words, as {@code str.split} without a separator cuts them. */
  static List<Object> words(String text) {
    List<Object> words = new ArrayList<>();
    int start = -1;
    for (int i = 0; i <= text.length(); i++) {
      boolean space = i == text.length() || isSpace(text.charAt(i));
      if (!space && start < 0) {
        start = i;
      } else if (space && start >= 0) {
        words.add(text.substring(start, i));
        start = -1;
      }
    }
    return words;
  }

  /**
   * As {@code str.split} and {@code str.rsplit} with a separator.
   *
   * @param most cuts; negative for all
   */
  static List<Object> split(String text, String separator, int most, boolean fromEnd) {
    List<Object> parts = new ArrayList<>();
    int start = 0;
    int end = text.length(); // what is left lies between them
    while (parts.size() != most) {
      int size = separator.length();
      int at = fromEnd ? text.lastIndexOf(separator, end - size) : text.indexOf(separator, start);
      if (at < 0) {
        break;
      }
      if (fromEnd) {
        parts.add(text.substring(at + size, end));
        end = at;
      } else {
        parts.add(text.substring(start, at));
        start = at + size;
      }
    }
    parts.add(text.substring(start, end));
    return fromEnd ? new ArrayList<>(parts.reversed()) : parts;
  }

  /** What it may take to look for a part in a text: Java compares at every place. */
  static long searchCost(String text, String part) {
    return text.length() * (1L + part.length() / 16);
  }

  /** Lines without their ends, as {@code str.splitlines} cuts them. */
  static List<Object> lines(String text) {
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x0A && c <= 0x0D
          || c >= 0x1C && c <= 0x1E
          || c == 0x85
          || c == 0x2028
          || c == 0x2029) {
        lines.add(text.substring(start, i));
        i += c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? 1 : 0;
        start = i + 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  /**
   * As {@code str.replace}.
   *
   * @param most replacements; negative for all
   */
  static String replace(String text, String old, String with, int most) {
    if (most < 0) {
      return text.replace(old, with);
    }
    StringBuilder result = new StringBuilder();
    int from = 0;
    for (int i = 0; i < most; i++) {
      int at = text.indexOf(old, from);
      if (at < 0) {
        break;
      }
      result.append(text, from, at).append(with);
      from = at + old.length();
    }
    return result.append(text, from, text.length()).toString();
  }

  /** Negative, 0 or positive, as Python orders strings. */
  static int compare(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length()) {
      int x = a.codePointAt(i);
      int y = b.codePointAt(i);
      if (x != y) {
        return Integer.compare(x, y);
      }
      i += Character.charCount(x);
    }
    return Integer.compare(a.length(), b.length());
  }

  /** As {@code repr}. */
  static void repr(String text, StringBuilder to) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    to.append(quote);
    for (int c : text.codePoints().toArray()) {
      switch (c) {
        case '\n' -> to.append("\\n");
        case '\r' -> to.append("\\r");
        case '\t' -> to.append("\\t");
        case '\\' -> to.append("\\\\");
        default -> {
          if (c == quote) {
            to.append('\\').append(quote);
          } else if (isPrintable(c)) {
            to.appendCodePoint(c);
          } else {
            String format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
            to.append(String.format(Locale.ROOT, format, c));
          }
        }
      }
    }
    to.append(quote);
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** What a literal between quotes means. */
  static String unescape(String literal, int line) {
    StringBuilder text = new StringBuilder(literal.length());
    int i = 0;
    while (i < literal.length()) {
      char c = literal.charAt(i++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char e = literal.charAt(i++);
      int plain = "\\'\"abfnrtv".indexOf(e);
      if (plain >= 0) {
        text.append("\\'\"\007\b\f\n\r\t\013".charAt(plain));
      } else if (e == 'x' || e == 'u' || e == 'U') {
        int digits = e == 'x' ? 2 : e == 'u' ? 4 : 8;
        text.appendCodePoint(code(literal, i, digits, 16, line));
        i += digits;
      } else if (e >= '0' && e <= '7') {
        int end = i;
        while (end < literal.length()
            && end < i + 2
            && literal.charAt(end) >= '0'
            && literal.charAt(end) <= '7') {
          end++;
        }
        text.appendCodePoint(code(literal, i - 1, end - i + 1, 8, line));
        i = end;
      } else if (e == 'N') {
        throw new JinjaException(line, "characters by name (\\N) are not supported");
      } else if (e != '\n') {
        text.append('\\').append(e);
      }
    }
    return text.toString();
  }

  private static int code(String literal, int from, int digits, int radix, int line) {
    try {
      int code = Integer.parseInt(literal.substring(from, from + digits), radix);
      if (Character.isValidCodePoint(code)) {
        return code;
      }
    } catch (NumberFormatException | IndexOutOfBoundsException _) {
      // said below
    }
    throw new JinjaException(
        line, "no character is written like this: \\" + literal.charAt(from - 1) + "...");
  }
}
