package dev.sinter.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The methods of strings and maps that templates call; those of Python that are not here are
 * errors.
 */
final class Methods {
  private static final Set<String> OF_STRINGS =
      Set.of(
          "capitalize",
          "casefold",
          "center",
          "count",
          "encode",
          "endswith",
          "expandtabs",
          "find",
          "format",
          "format_map",
          "index",
          "isalnum",
          "isalpha",
          "isascii",
          "isdecimal",
          "isdigit",
          "isidentifier",
          "islower",
          "isnumeric",
          "isprintable",
          "isspace",
          "istitle",
          "isupper",
          "join",
          "ljust",
          "lower",
          "lstrip",
          "maketrans",
          "partition",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rindex",
          "rjust",
          "rpartition",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "swapcase",
          "title",
          "translate",
          "upper",
          "zfill");
  private static final Set<String> OF_MAPS =
      Set.of(
          "clear",
          "copy",
          "fromkeys",
          "get",
          "items",
          "keys",
          "pop",
          "popitem",
          "setdefault",
          "update",
          "values");
  private static final Set<String> OF_LISTS =
      Set.of(
          "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove",
          "reverse", "sort");

  private Methods() {}

  /** The method of a value; null if Python has none of this name. */
  static Function find(Object value, String name) {
    return switch (value) {
      case String s when OF_STRINGS.contains(name) -> arguments -> onString(s, name, arguments);
      case Map<?, ?> m when OF_MAPS.contains(name) -> arguments -> onMap(m, name, arguments);
      case List<?> _ when OF_LISTS.contains(name) -> Methods::unsupported;
      case Tuple _ when name.equals("count") || name.equals("index") -> Methods::unsupported;
      case null, default -> null;
    };
  }

  private static Object unsupported(Arguments a) {
    throw a.fail("is not supported");
  }

  private static Object onMap(Map<?, ?> map, String name, Arguments a) {
    switch (name) {
      case "get" -> {
        Object[] args = a.bind("key", "default");
        if (map.containsKey(args[0])) {
          return map.get(args[0]);
        }
        return args[1] == Arguments.ABSENT ? null : args[1];
      }
      case "items", "keys", "values" -> {
        a.exactly();
        a.budget().spend(map.size());
        return Series.view(
            switch (name) {
              case "keys" -> new ArrayList<>(map.keySet());
              case "values" -> new ArrayList<>(map.values());
              default -> entries(map);
            });
      }
      default -> throw a.fail("is not supported");
    }
  }

  static List<Object> entries(Map<?, ?> map) {
    List<Object> entries = new ArrayList<>(map.size());
    for (Map.Entry<?, ?> e : map.entrySet()) {
      List<Object> pair = new ArrayList<>(2);
      pair.add(e.getKey());
      pair.add(e.getValue());
      entries.add(new Tuple(pair));
    }
    return entries;
  }

  private static Object onString(String s, String name, Arguments a) {
    a.budget().spend(s.length());
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> {
        Object chars = a.bind("chars")[0];
        String characters = chars == null ? null : a.text(chars, null);
        yield PyString.strip(s, characters, !name.equals("rstrip"), !name.equals("lstrip"));
      }
      case "upper" -> plain(s.toUpperCase(Locale.ROOT), a);
      case "lower" -> plain(s.toLowerCase(Locale.ROOT), a);
      case "title" -> plain(PyString.title(s), a);
      case "capitalize" -> plain(PyString.capitalize(s), a);
      case "startswith", "endswith" -> affix(s, name, a);
      case "removeprefix" -> {
        String prefix = a.text(a.exactly("prefix")[0], null);
        yield s.startsWith(prefix) ? s.substring(prefix.length()) : s;
      }
      case "removesuffix" -> {
        String suffix = a.text(a.exactly("suffix")[0], null);
        yield s.endsWith(suffix) ? s.substring(0, s.length() - suffix.length()) : s;
      }
      case "split", "rsplit" -> split(s, name, a);
      case "splitlines" -> {
        a.exactly();
        yield PyString.lines(s);
      }
      case "replace" -> replace(s, a);
      case "join" -> join(s, a);
      case "find", "rfind" -> {
        String part = part(s, a);
        int at = name.equals("find") ? s.indexOf(part) : s.lastIndexOf(part);
        yield at < 0 ? -1L : (long) s.codePointCount(0, at);
      }
      case "count" -> {
        String part = part(s, a);
        yield part.isEmpty()
            ? PyString.length(s) + 1L
            : PyString.split(s, part, -1, false).size() - 1L;
      }
      default -> throw a.fail("is not supported");
    };
  }

  private static String plain(String result, Arguments a) {
    a.exactly();
    return result;
  }

  private static String part(String s, Arguments a) {
    String part = a.text(a.exactly("sub")[0], null);
    a.budget().spend(PyString.searchCost(s, part));
    return part;
  }

  private static boolean affix(String s, String name, Arguments a) {
    Object argument = a.exactly("prefix")[0];
    List<Object> affixes = argument instanceof Tuple t ? t.items() : List.of(argument);
    for (Object affix : affixes) {
      String text = a.text(affix, null);
      if (name.equals("startswith") ? s.startsWith(text) : s.endsWith(text)) {
        return true;
      }
    }
    return false;
  }

  private static Object split(String s, String name, Arguments a) {
    Object[] args = a.bind("sep", "maxsplit");
    int most = a.number(args[1], -1);
    if (args[0] == null || args[0] == Arguments.ABSENT) {
      if (most >= 0) {
        throw a.fail("with maxsplit and without a separator is not supported");
      }
      return PyString.words(s);
    }
    String separator = a.text(args[0], null);
    if (separator.isEmpty()) {
      throw a.fail("got an empty separator");
    }
    a.budget().spend(PyString.searchCost(s, separator));
    return PyString.split(s, separator, most, name.equals("rsplit"));
  }

  static String replace(String s, Arguments a) {
    Object[] args = a.bind("old", "new", "count");
    String old = a.text(args[0], "");
    String with = a.text(args[1], "");
    if (args[1] == Arguments.ABSENT || old.isEmpty()) {
      throw a.fail("needs what to replace and what with");
    }
    int most = a.number(args[2], -1);
    a.budget().spend(PyString.searchCost(s, old));
    long found = PyString.split(s, old, most, false).size() - 1L;
    a.budget().spend(s.length() + found * with.length());
    return PyString.replace(s, old, with, most);
  }

  private static String join(String s, Arguments a) {
    List<String> parts = new ArrayList<>();
    for (Object item : Values.items(a.exactly("iterable")[0], a.budget())) {
      parts.add(a.text(item, null));
    }
    return join(s, parts, a.budget());
  }

  static String join(String separator, List<String> parts, Budget budget) {
    for (String part : parts) {
      budget.spend((long) part.length() + separator.length());
    }
    return String.join(separator, parts);
  }
}
