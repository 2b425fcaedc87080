package dev.sinter.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Attributes, items and slices of values: what is not there is undefined, as in Jinja. */
final class Access {
  private Access() {}

  /** {@code value.name}: a method goes before a key of the same name. */
  static Object attribute(Object value, String name, Budget budget) {
    refuseUndefined(value, budget);
    refuseInternal(name, budget);
    Function method = Methods.find(value, name);
    if (method != null) {
      return method;
    }
    return switch (value) {
      case Map<?, ?> m when m.containsKey(name) -> m.get(name);
      case Namespace n when n.attributes().containsKey(name) -> n.attributes().get(name);
      case Loop l -> l.attribute(name);
      case Series _, Function _ ->
          throw budget.fail("attributes of " + Values.type(value) + " are not supported");
      case null, default -> new Undefined(name);
    };
  }

  /** {@code value[key]}: a key goes before a method of the same name. */
  static Object item(Object value, Object key, Budget budget) {
    refuseUndefined(value, budget);
    if (value instanceof Map<?, ?> m && key instanceof String && m.containsKey(key)) {
      return m.get(key);
    }
    if (key instanceof String name) {
      return attribute(value, name, budget);
    }
    if (!(Values.number(key) instanceof Long index)) {
      return new Undefined("item");
    }
    return switch (value) {
      case String s -> {
        budget.spend(s.length());
        yield character(s, index);
      }
      case List<?> l -> item(l, index);
      case Tuple t -> item(t.items(), index);
      case Series _, Loop _, Function _ ->
          throw budget.fail("items of " + Values.type(value) + " are not supported");
      case null, default -> new Undefined("item " + index);
    };
  }

  private static Object character(String s, long index) {
    int size = PyString.length(s);
    long at = index < 0 ? index + size : index;
    return at < 0 || at >= size
        ? new Undefined("item " + index)
        : Character.toString(s.codePointAt(s.offsetByCodePoints(0, (int) at)));
  }

  private static Object item(List<?> items, long index) {
    long at = index < 0 ? index + items.size() : index;
    return at < 0 || at >= items.size() ? new Undefined("item " + index) : items.get((int) at);
  }

  /** {@code value[from:to:step]}; null is what Python takes where nothing stands. */
  static Object slice(Object value, Object from, Object to, Object step, Budget budget) {
    refuseUndefined(value, budget);
    List<?> items =
        switch (value) {
          case String s -> PyString.characters(s);
          case List<?> l -> l;
          case Tuple t -> t.items();
          case null, default ->
              throw budget.fail("a slice of " + Values.type(value) + " is not supported");
        };
    budget.spend(items.size());
    long size = items.size();
    long by = bound(step, 1, budget);
    if (by == 0) {
      throw budget.fail("the step of a slice is 0");
    }
    long least = by > 0 ? 0 : -1;
    long most = by > 0 ? size : size - 1;
    long start = from == null ? (by > 0 ? 0 : most) : limit(from, size, least, most, budget);
    long end = to == null ? (by > 0 ? size : -1) : limit(to, size, least, most, budget);
    List<Object> chosen = new ArrayList<>();
    for (long i = start; by > 0 ? i < end : i > end; i += by) {
      chosen.add(items.get((int) i));
    }
    if (value instanceof String) {
      StringBuilder text = new StringBuilder();
      chosen.forEach(text::append);
      return text.toString();
    }
    return value instanceof Tuple ? new Tuple(chosen) : chosen;
  }

  private static long limit(Object value, long size, long least, long most, Budget budget) {
    long index = bound(value, 0, budget);
    return Math.clamp(index < 0 ? index + size : index, least, most);
  }

  private static long bound(Object value, long otherwise, Budget budget) {
    if (value == null) {
      return otherwise;
    }
    if (Values.number(value) instanceof Long n && Math.abs(n) < Integer.MAX_VALUE) {
      return n;
    }
    throw budget.fail("the bound of a slice is " + Values.type(value) + ", or too large");
  }

  private static void refuseUndefined(Object value, Budget budget) {
    if (value instanceof Undefined u) {
      throw budget.fail("'" + u.name() + "' is undefined");
    }
  }

  private static void refuseInternal(String name, Budget budget) {
    if (name.startsWith("_")) {
      throw budget.fail("access to '" + name + "' is unsafe");
    }
  }
}
