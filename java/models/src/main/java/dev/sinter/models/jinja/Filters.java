package dev.sinter.models.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What may stand behind a bar. */
final class Filters {
  private Filters() {}

  static Object apply(String name, Object input, Arguments a) {
    Budget budget = a.budget();
    return switch (name) {
      case "trim" -> {
        Object chars = a.bind("chars")[0];
        String text = text(input, budget);
        yield PyString.strip(text, chars == null ? null : a.text(chars, null), true, true);
      }
      case "upper" -> plain(text(input, budget).toUpperCase(Locale.ROOT), a);
      case "lower" -> plain(text(input, budget).toLowerCase(Locale.ROOT), a);
      case "capitalize" -> plain(PyString.capitalize(text(input, budget)), a);
      case "title" -> plain(title(text(input, budget)), a);
      case "string" -> plain(text(input, budget), a);
      case "length", "count" -> plain(Values.length(input, budget), a);
      case "list" -> plain(new ArrayList<>(Values.items(input, budget)), a);
      case "first" -> {
        List<Object> items = Values.items(input, budget);
        yield plain(items.isEmpty() ? new Undefined("first of nothing") : items.getFirst(), a);
      }
      case "last" -> {
        if (input instanceof Series s && !s.isView()) {
          throw a.fail("of a generator: make it a list first");
        }
        List<Object> items = Values.items(input, budget);
        yield plain(items.isEmpty() ? new Undefined("last of nothing") : items.getLast(), a);
      }
      case "reverse" -> plain(reversed(input, budget), a);
      case "items" -> {
        if (input instanceof Undefined) {
          yield plain(Series.iterator(List.of()), a);
        }
        if (!(input instanceof Map<?, ?> m)) {
          throw a.fail("needs a dict, got " + Values.type(input));
        }
        budget.spend(m.size());
        yield plain(Series.iterator(Methods.entries(m)), a);
      }
      case "dictsort" -> plain(sorted(input, a), a);
      case "join" -> join(input, a);
      case "replace" -> Methods.replace(text(input, budget), a);
      case "default", "d" -> {
        Object[] args = a.bind("default_value", "boolean");
        boolean absent =
            input instanceof Undefined
                || args[1] != Arguments.ABSENT && Values.truth(args[1]) && !Values.truth(input);
        yield !absent ? input : args[0] == Arguments.ABSENT ? "" : args[0];
      }
      case "tojson" -> json(input, a);
      case "indent" -> indent(a.text(input, null), a);
      case "int" -> integer(input, a);
      case "float" -> plain(real(input, a), a);
      case "abs" -> {
        Object number = Values.number(input);
        a.exactly();
        yield Values.compare(number, 0L, budget) < 0
            ? Operators.unary("-", number, budget)
            : number;
      }
      case "select", "reject", "selectattr", "rejectattr" -> select(name, input, a);
      case "map" -> map(input, a);
      default -> throw a.fail("is not supported");
    };
  }

  private static String text(Object value, Budget budget) {
    String text = Values.text(value, budget);
    budget.spend(text.length());
    return text;
  }

  private static Object plain(Object result, Arguments a) {
    a.exactly();
    return result;
  }

  /** Large letters behind white space and opening brackets, unlike the method of strings. */
  private static String title(String text) {
    StringBuilder title = new StringBuilder(text.length());
    boolean starts = true;
    for (int c : text.codePoints().toArray()) {
      boolean separates = PyString.isSpace(c) || "-({[<".indexOf(c) >= 0;
      String letter = Character.toString(c);
      title.append(starts ? letter.toUpperCase(Locale.ROOT) : letter.toLowerCase(Locale.ROOT));
      starts = separates;
    }
    return title.toString();
  }

  private static Object reversed(Object input, Budget budget) {
    List<Object> items = new ArrayList<>(Values.items(input, budget));
    Collections.reverse(items);
    if (input instanceof String) {
      StringBuilder text = new StringBuilder();
      items.forEach(text::append);
      return text.toString();
    }
    return Series.iterator(items);
  }

  private static Object sorted(Object input, Arguments a) {
    if (!(input instanceof Map<?, ?> m)) {
      throw a.fail("needs a dict, got " + Values.type(input));
    }
    a.budget().spend(m.size() * 16L);
    List<Object> entries = Methods.entries(m);
    entries.sort((x, y) -> PyString.compare(sortKey(x), sortKey(y)));
    return entries;
  }

  private static String sortKey(Object entry) {
    return ((String) ((Tuple) entry).items().getFirst()).toLowerCase(Locale.ROOT);
  }

  private static Object join(Object input, Arguments a) {
    Object[] args = a.bind("d", "attribute");
    String separator = args[0] == Arguments.ABSENT ? "" : Values.text(args[0], a.budget());
    List<String> parts = new ArrayList<>();
    for (Object item : Values.items(input, a.budget())) {
      Object part = args[1] == Arguments.ABSENT ? item : attribute(item, args[1], a);
      parts.add(Values.text(part, a.budget()));
    }
    return Methods.join(separator, parts, a.budget());
  }

  private static Object json(Object input, Arguments a) {
    Object[] args = a.bind("ensure_ascii", "indent", "separators", "sort_keys");
    if (args[0] != Arguments.ABSENT && Values.truth(args[0])
        || args[2] != Arguments.ABSENT && args[2] != null) {
      throw a.fail("with ensure_ascii or separators is not supported");
    }
    String indent =
        switch (args[1]) {
          case String s -> s;
          case Long n -> " ".repeat((int) Math.max(0, Math.min(n, 100)));
          case null -> null;
          default -> {
            if (args[1] != Arguments.ABSENT) {
              throw a.fail("got an indent that is " + Values.type(args[1]));
            }
            yield null;
          }
        };
    boolean sorted = args[3] != Arguments.ABSENT && Values.truth(args[3]);
    return Json.of(input, indent, sorted, a.budget());
  }

  private static String indent(String text, Arguments a) {
    Object[] args = a.bind("width", "first", "blank");
    String indent =
        args[0] instanceof String s ? s : " ".repeat(Math.clamp(a.number(args[0], 4), 0, 1000));
    boolean first = args[1] != Arguments.ABSENT && Values.truth(args[1]);
    boolean blank = args[2] != Arguments.ABSENT && Values.truth(args[2]);
    List<Object> lines = PyString.lines(text + "\n");
    a.budget().spend((long) lines.size() * indent.length());
    StringBuilder result = new StringBuilder(first ? indent : "");
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      result.append(i == 0 ? "" : "\n");
      result.append(i > 0 && (blank || !line.isEmpty()) ? indent : "").append(line);
    }
    return result.toString();
  }

  private static Object integer(Object input, Arguments a) {
    Object[] args = a.bind("default");
    Object otherwise = args[0] == Arguments.ABSENT ? (Object) 0L : args[0];
    return switch (input) {
      case Long n -> n;
      case Boolean b -> b ? 1L : 0L;
      case Double d when Math.abs(d) < 1L << 53 -> d.longValue();
      case String s when PyString.strip(s).matches("[+-]?[0-9]{1,18}") ->
          Long.valueOf(PyString.strip(s));
      case String s when PyString.strip(s).matches("[+-]?[0-9]{1,15}\\.[0-9]*") ->
          Double.valueOf(PyString.strip(s)).longValue();
      case String s when s.chars().noneMatch(Character::isDigit) && !isWord(s) -> otherwise;
      case null -> otherwise;
      case List<?> _, Tuple _, Map<?, ?> _ -> otherwise;
      default -> throw a.fail("of this value is not supported");
    };
  }

  /** Not a number in Java's eyes, but one in Python's. */
  private static boolean isWord(String text) {
    return text.toLowerCase(Locale.ROOT).matches("\\s*[+-]?(nan|inf|infinity)\\s*");
  }

  private static Object real(Object input, Arguments a) {
    return switch (Values.number(input)) {
      case Number n -> n.doubleValue();
      case null, default -> {
        if (input instanceof String s && PyString.strip(s).matches("[+-]?[0-9]+(\\.[0-9]*)?")) {
          yield Double.valueOf(PyString.strip(s));
        }
        throw a.fail("of this value is not supported");
      }
    };
  }

  /** {@code path} may be several names with dots between them, and numbers. */
  private static Object attribute(Object item, Object path, Arguments a) {
    if (path instanceof Long) {
      return Access.item(item, path, a.budget());
    }
    Object value = item;
    for (Object part : PyString.split(a.text(path, null), ".", -1, false)) {
      String name = (String) part;
      Object key = name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : name;
      value = Access.item(value, key, a.budget());
    }
    return value;
  }

  private static Object select(String name, Object input, Arguments a) {
    boolean wanted = name.startsWith("select");
    List<Object> rest = new ArrayList<>(a.positional());
    Object path = null;
    if (name.endsWith("attr")) {
      if (rest.isEmpty()) {
        throw a.fail("misses the name of an attribute");
      }
      path = rest.removeFirst();
    }
    String test = rest.isEmpty() ? null : a.text(rest.removeFirst(), null);
    Arguments arguments = new Arguments("the test '" + test + "'", rest, a.named(), a.budget());
    List<Object> chosen = new ArrayList<>();
    for (Object item : Values.items(input, a.budget())) {
      Object value = path == null ? item : attribute(item, path, a);
      boolean passes = test == null ? Values.truth(value) : Tests.test(test, value, arguments);
      if (passes == wanted) {
        chosen.add(item);
      }
    }
    return Series.iterator(chosen);
  }

  private static Object map(Object input, Arguments a) {
    List<Object> results = new ArrayList<>();
    List<Object> items = Values.items(input, a.budget());
    if (a.positional().isEmpty()) {
      Object[] args = a.bind("attribute", "default");
      for (Object item : items) {
        Object value = attribute(item, args[0], a);
        boolean absent = value instanceof Undefined && args[1] != Arguments.ABSENT;
        results.add(absent ? args[1] : value);
      }
    } else {
      List<Object> rest = new ArrayList<>(a.positional());
      String name = a.text(rest.removeFirst(), null);
      Arguments arguments = new Arguments("the filter '" + name + "'", rest, a.named(), a.budget());
      for (Object item : items) {
        results.add(apply(name, item, arguments));
      }
    }
    return Series.iterator(results);
  }
}
