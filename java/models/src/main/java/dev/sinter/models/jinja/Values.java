package dev.sinter.models.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** What Python does with values of any type. */
final class Values {
  private Values() {}

  /** Python's name of a type, for messages. */
  static String type(Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case List<?> _ -> "list";
      case Tuple _ -> "tuple";
      case Map<?, ?> _ -> "dict";
      case Namespace _ -> "namespace";
      case Series s -> s.isView() ? "view of a dict" : "generator";
      case Loop _ -> "loop";
      case Function _ -> "function";
      case Undefined u -> "'" + u.name() + "', which is undefined";
      default -> throw new AssertionError(value.getClass());
    };
  }

  static boolean truth(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean b -> b;
      case Long n -> n != 0;
      case Double d -> d != 0;
      case String s -> !s.isEmpty();
      case List<?> l -> !l.isEmpty();
      case Tuple t -> !t.items().isEmpty();
      case Map<?, ?> m -> !m.isEmpty();
      case Series s -> s.truth();
      case Undefined _ -> false;
      default -> true;
    };
  }

  /** The items of anything that Python iterates over. */
  static List<Object> items(Object value, Budget budget) {
    List<Object> items =
        switch (value) {
          case String s -> PyString.characters(s);
          case List<?> l -> new ArrayList<>(l);
          case Tuple t -> t.items();
          case Map<?, ?> m -> new ArrayList<>(m.keySet());
          case Series s -> s.take();
          case Undefined _ -> List.of();
          case null, default -> throw budget.fail("no items are in " + type(value));
        };
    budget.spend(items.size());
    return items;
  }

  static long length(Object value, Budget budget) {
    return switch (value) {
      case String s -> {
        budget.spend(s.length());
        yield PyString.length(s);
      }
      case List<?> l -> l.size();
      case Tuple t -> t.items().size();
      case Map<?, ?> m -> m.size();
      case Series s when s.isView() -> s.take().size();
      case Undefined _ -> 0;
      case null, default -> throw budget.fail("no length has " + type(value));
    };
  }

  /** A number for arithmetic, with the types' widening; null if it is none. */
  static Object number(Object value) {
    return switch (value) {
      case Boolean b -> b ? 1L : 0L;
      case Long n -> n;
      case Double d -> d;
      case null, default -> null;
    };
  }

  static boolean equal(Object a, Object b, Budget budget) {
    budget.spend(1);
    Object x = number(a);
    Object y = number(b);
    if (x != null && y != null) {
      return x instanceof Long n && y instanceof Long m
          ? n.longValue() == m.longValue()
          : ((Number) x).doubleValue() == ((Number) y).doubleValue();
    }
    budget.enter();
    boolean equal =
        switch (a) {
          case List<?> l -> b instanceof List<?> m && equalItems(l, m, budget);
          case Tuple t -> b instanceof Tuple u && equalItems(t.items(), u.items(), budget);
          case Map<?, ?> m -> b instanceof Map<?, ?> n && equalMaps(m, n, budget);
          case String s -> {
            budget.spend(s.length());
            yield s.equals(b);
          }
          case Undefined _ -> b instanceof Undefined;
          case null -> b == null;
          default -> a == b;
        };
    budget.leave();
    return equal;
  }

  private static boolean equalItems(List<?> a, List<?> b, Budget budget) {
    if (a.size() != b.size()) {
      return false;
    }
    Iterator<?> others = b.iterator();
    for (Object item : a) {
      if (!equal(item, others.next(), budget)) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalMaps(Map<?, ?> a, Map<?, ?> b, Budget budget) {
    if (a.size() != b.size()) {
      return false;
    }
    for (Map.Entry<?, ?> e : a.entrySet()) {
      if (!b.containsKey(e.getKey()) || !equal(e.getValue(), b.get(e.getKey()), budget)) {
        return false;
      }
    }
    return true;
  }

  /** As Python's {@code <} and its kin order numbers and strings. */
  static int compare(Object a, Object b, Budget budget) {
    if (a instanceof String s && b instanceof String t) {
      budget.spend(Math.min(s.length(), t.length()));
      return PyString.compare(s, t);
    }
    Object x = number(a);
    Object y = number(b);
    if (x == null || y == null) {
      throw budget.fail("no order is between " + type(a) + " and " + type(b));
    }
    return x instanceof Long n && y instanceof Long m
        ? Long.compare(n, m)
        : Double.compare(((Number) x).doubleValue(), ((Number) y).doubleValue());
  }

  static boolean contains(Object container, Object value, Budget budget) {
    if (container instanceof String s) {
      if (!(value instanceof String part)) {
        throw budget.fail("'in' a string needs a string, got " + type(value));
      }
      budget.spend(PyString.searchCost(s, part));
      return s.contains(part);
    }
    if (container instanceof Map<?, ?> m) {
      return value instanceof String && m.containsKey(value);
    }
    for (Object item : items(container, budget)) {
      if (equal(item, value, budget)) {
        return true;
      }
    }
    return false;
  }

  /** As {@code str(value)}. */
  static String text(Object value, Budget budget) {
    switch (value) {
      case String s -> {
        return s;
      }
      case Undefined _ -> {
        return "";
      }
      case null, default -> {
        StringBuilder text = new StringBuilder();
        repr(value, text, budget);
        return text.toString();
      }
    }
  }

  private static void repr(Object value, StringBuilder to, Budget budget) {
    int before = to.length();
    budget.enter();
    switch (value) {
      case null -> to.append("None");
      case Boolean b -> to.append(b ? "True" : "False");
      case Long n -> to.append(n.longValue());
      case Double d -> to.append(decimal(d, budget));
      case String s -> {
        budget.spend(s.length());
        PyString.repr(s, to);
      }
      case List<?> l -> {
        to.append('[');
        reprItems(l, to, budget);
        to.append(']');
      }
      case Tuple t -> {
        to.append('(');
        reprItems(t.items(), to, budget);
        to.append(t.items().size() == 1 ? ",)" : ")");
      }
      case Map<?, ?> m -> {
        String separator = "{";
        for (Map.Entry<?, ?> e : m.entrySet()) {
          to.append(separator);
          repr(e.getKey(), to, budget);
          to.append(": ");
          repr(e.getValue(), to, budget);
          separator = ", ";
        }
        to.append(m.isEmpty() ? "{}" : "}");
      }
      default -> throw budget.fail("not supported: printing " + type(value));
    }
    budget.leave();
    budget.spend(to.length() - before);
  }

  private static void reprItems(List<?> items, StringBuilder to, Budget budget) {
    String separator = "";
    for (Object item : items) {
      to.append(separator);
      repr(item, to, budget);
      separator = ", ";
    }
  }

  /** As {@code repr} of a float that it writes without an exponent. */
  static String decimal(double value, Budget budget) {
    double size = Math.abs(value);
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    if (!(size >= 1e-4 && size < 1e16)) {
      throw budget.fail("not supported: printing the float " + value);
    }
    String plain = BigDecimal.valueOf(value).toPlainString();
    return plain.indexOf('.') < 0 ? plain + ".0" : plain;
  }
}
