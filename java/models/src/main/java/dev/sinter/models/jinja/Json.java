package dev.sinter.models.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** As {@code json.dumps(value, ensure_ascii=False)} writes values. */
final class Json {
  private final StringBuilder text = new StringBuilder();
  private final Budget budget;
  private final String indent; // null for one line
  private final boolean sorted;

  private Json(Budget budget, String indent, boolean sorted) {
    this.budget = budget;
    this.indent = indent;
    this.sorted = sorted;
  }

  /**
   * @param indent of one level; null for everything in one line
   */
  static String of(Object value, String indent, boolean sorted, Budget budget) {
    Json json = new Json(budget, indent, sorted);
    json.write(value, 0);
    return json.text.toString();
  }

  private void write(Object value, int level) {
    int before = text.length();
    budget.enter();
    switch (value) {
      case null -> text.append("null");
      case Boolean b -> text.append(b.booleanValue());
      case Long n -> text.append(n.longValue());
      case Double d -> text.append(Values.decimal(d, budget));
      case String s -> {
        budget.spend(s.length());
        string(s);
      }
      case List<?> l -> list(l, level);
      case Tuple t -> list(t.items(), level);
      case Map<?, ?> m -> map(sorted ? new TreeMap<>(m) : m, level);
      default -> throw budget.fail("tojson of " + Values.type(value) + " is not supported");
    }
    budget.leave();
    budget.spend(text.length() - before);
  }

  private void list(List<?> items, int level) {
    String separator = "";
    text.append('[');
    for (Object item : items) {
      text.append(separator);
      lineBreak(level + 1);
      write(item, level + 1);
      separator = indent == null ? ", " : ",";
    }
    if (!items.isEmpty()) {
      lineBreak(level);
    }
    text.append(']');
  }

  private void map(Map<?, ?> map, int level) {
    String separator = "";
    text.append('{');
    for (Map.Entry<?, ?> e : map.entrySet()) {
      text.append(separator);
      lineBreak(level + 1);
      string((String) e.getKey());
      text.append(": ");
      write(e.getValue(), level + 1);
      separator = indent == null ? ", " : ",";
    }
    if (!map.isEmpty()) {
      lineBreak(level);
    }
    text.append('}');
  }

  private void lineBreak(int level) {
    if (indent != null) {
      budget.spend((long) indent.length() * level);
      text.append('\n').repeat(indent, level);
    }
  }

  private void string(String value) {
    text.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\b' -> text.append("\\b");
        case '\f' -> text.append("\\f");
        default -> {
          if (c < 0x20) {
            text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append('"');
  }
}
