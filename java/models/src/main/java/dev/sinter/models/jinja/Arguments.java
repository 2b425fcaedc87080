package dev.sinter.models.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The evaluated arguments of a call.
 *
 * @param what is called, for messages
 */
record Arguments(String what, List<Object> positional, Map<String, Object> named, Budget budget) {
  /** Stands for an argument that was not given. */
  static final Object ABSENT = new Object();

  /**
   * One value a parameter, {@link #ABSENT} if it was not given.
   *
   * @throws JinjaException for other arguments than these
   */
  Object[] bind(String... parameters) {
    if (positional.size() > parameters.length) {
      throw fail("takes at most " + parameters.length + " arguments, got " + positional.size());
    }
    Object[] values = new Object[parameters.length];
    Arrays.fill(values, ABSENT);
    for (int i = 0; i < positional.size(); i++) {
      values[i] = positional.get(i);
    }
    for (Map.Entry<String, Object> e : named.entrySet()) {
      int at = Arrays.asList(parameters).indexOf(e.getKey());
      if (at < 0 || values[at] != ABSENT) {
        throw fail((at < 0 ? "has no argument '" : "got twice the argument '") + e.getKey() + "'");
      }
      values[at] = e.getValue();
    }
    return values;
  }

  /** All of a call without named ones. */
  Object[] exactly(String... parameters) {
    Object[] values = bind(parameters);
    for (int i = 0; i < values.length; i++) {
      if (values[i] == ABSENT) {
        throw fail("misses the argument '" + parameters[i] + "'");
      }
    }
    return values;
  }

  /** A string argument. */
  String text(Object value, String otherwise) {
    if (value == ABSENT) {
      return otherwise;
    }
    if (value instanceof String s) {
      return s;
    }
    throw fail("needs a string, got " + Values.type(value));
  }

  int number(Object value, int otherwise) {
    if (value == ABSENT) {
      return otherwise;
    }
    if (value instanceof Long n && n == n.intValue()) {
      return n.intValue();
    }
    throw fail("needs a small integer, got " + Values.type(value));
  }

  JinjaException fail(String reason) {
    return budget.fail(what + " " + reason);
  }
}
