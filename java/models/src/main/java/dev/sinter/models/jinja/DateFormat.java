package dev.sinter.models.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Times as C's {@code strftime} writes them in the C locale. */
final class DateFormat {
  /** What java.time calls the conversions; with a minus, numbers are not padded. */
  private static final Map<String, String> PATTERNS =
      Map.ofEntries(
          Map.entry("Y", "uuuu"),
          Map.entry("y", "uu"),
          Map.entry("m", "MM"),
          Map.entry("-m", "M"),
          Map.entry("d", "dd"),
          Map.entry("-d", "d"),
          Map.entry("H", "HH"),
          Map.entry("-H", "H"),
          Map.entry("I", "hh"),
          Map.entry("-I", "h"),
          Map.entry("M", "mm"),
          Map.entry("-M", "m"),
          Map.entry("S", "ss"),
          Map.entry("-S", "s"),
          Map.entry("j", "DDD"),
          Map.entry("b", "MMM"),
          Map.entry("B", "MMMM"),
          Map.entry("a", "EEE"),
          Map.entry("A", "EEEE"),
          Map.entry("p", "a"),
          Map.entry("F", "uuuu-MM-dd"),
          Map.entry("T", "HH:mm:ss"));

  private DateFormat() {}

  static String format(LocalDateTime time, String format, Budget budget) {
    StringBuilder text = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i++);
      if (c != '%') {
        text.append(c);
        continue;
      }
      int end = Math.min(format.length(), i + (format.startsWith("-", i) ? 2 : 1));
      String conversion = format.substring(i, end);
      i = end;
      if (conversion.equals("%")) {
        text.append('%');
        continue;
      }
      String pattern = PATTERNS.get(conversion);
      if (pattern == null) {
        throw budget.fail("strftime_now: '%" + conversion + "' is not supported");
      }
      text.append(DateTimeFormatter.ofPattern(pattern, Locale.US).format(time));
    }
    return text.toString();
  }
}
