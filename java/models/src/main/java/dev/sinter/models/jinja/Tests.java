package dev.sinter.models.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What may stand behind {@code is}. */
final class Tests {
  private Tests() {}

  static boolean test(String name, Object value, Arguments a) {
    Budget budget = a.budget();
    switch (name) {
      case "divisibleby",
          "eq",
          "equalto",
          "==",
          "ne",
          "!=",
          "lt",
          "lessthan",
          "<",
          "le",
          "<=",
          "gt",
          "greaterthan",
          ">",
          "ge",
          ">=",
          "in" -> {
        return compare(name, value, a.exactly("other")[0], budget);
      }
      default -> a.exactly();
    }
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> Values.number(value) != null;
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof String
              || value instanceof List
              || value instanceof Tuple
              || value instanceof Map
              || value instanceof Undefined;
      case "iterable" ->
          value instanceof Series || value instanceof Loop || test("sequence", value, a);
      case "callable" -> value instanceof Function || value instanceof Undefined;
      case "odd" -> modulo(value, 2, budget) == 1;
      case "even" -> modulo(value, 2, budget) == 0;
      case "lower" -> isCase(value, a, true);
      case "upper" -> isCase(value, a, false);
      default -> throw a.fail("is not supported");
    };
  }

  private static boolean compare(String name, Object value, Object other, Budget budget) {
    return switch (name) {
      case "eq", "equalto", "==" -> Values.equal(value, other, budget);
      case "ne", "!=" -> !Values.equal(value, other, budget);
      case "lt", "lessthan", "<" -> Values.compare(value, other, budget) < 0;
      case "le", "<=" -> Values.compare(value, other, budget) <= 0;
      case "gt", "greaterthan", ">" -> Values.compare(value, other, budget) > 0;
      case "ge", ">=" -> Values.compare(value, other, budget) >= 0;
      case "in" -> Values.contains(other, value, budget);
      default -> {
        if (!(other instanceof Long by) || by == 0) {
          throw budget.fail("divisibleby needs an integer that is not 0");
        }
        yield modulo(value, by, budget) == 0;
      }
    };
  }

  private static long modulo(Object value, long by, Budget budget) {
    if (Values.number(value) instanceof Long n) {
      return Math.floorMod(n, by);
    }
    throw budget.fail("an integer is needed, got " + Values.type(value));
  }

  private static boolean isCase(Object value, Arguments a, boolean lower) {
    String text = Values.text(value, a.budget());
    boolean cased = !text.toLowerCase(Locale.ROOT).equals(text.toUpperCase(Locale.ROOT));
    String right = lower ? text.toLowerCase(Locale.ROOT) : text.toUpperCase(Locale.ROOT);
    return cased && text.equals(right);
  }
}
