package dev.sinter.models.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic, on numbers, strings and lists. */
final class Operators {
  private Operators() {}

  static Object binary(String operator, Object a, Object b, Budget budget) {
    if (operator.equals("~")) {
      return concat(Values.text(a, budget), Values.text(b, budget), budget);
    }
    Object x = Values.number(a);
    Object y = Values.number(b);
    try {
      if (x instanceof Long n && y instanceof Long m) {
        return integers(operator, n, m, budget);
      }
      if (x != null && y != null) {
        double l = ((Number) x).doubleValue();
        return floats(operator, l, ((Number) y).doubleValue(), budget);
      }
    } catch (ArithmeticException e) {
      throw budget.fail(e.getMessage() + " in " + x + " " + operator + " " + y);
    }
    Object result =
        switch (operator) {
          case "+" -> sum(a, b, budget);
          case "*" -> b instanceof Long n ? repeated(a, n, budget) : null;
          default -> null;
        };
    if (result == null && operator.equals("*") && a instanceof Long n) {
      result = repeated(b, n, budget);
    }
    if (result == null) {
      throw budget.fail(
          "'"
              + operator
              + "' of "
              + Values.type(a)
              + " and "
              + Values.type(b)
              + " is not supported");
    }
    return result;
  }

  private static String concat(String a, String b, Budget budget) {
    budget.spend((long) a.length() + b.length());
    return a.concat(b);
  }

  private static Object sum(Object a, Object b, Budget budget) {
    if (a instanceof String s && b instanceof String t) {
      return concat(s, t, budget);
    }
    if (a instanceof List<?> l && b instanceof List<?> m) {
      return joined(l, m, budget);
    }
    if (a instanceof Tuple t && b instanceof Tuple u) {
      return new Tuple(joined(t.items(), u.items(), budget));
    }
    return null;
  }

  private static List<Object> joined(List<?> a, List<?> b, Budget budget) {
    budget.spend((long) a.size() + b.size());
    List<Object> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  private static Object repeated(Object value, long times, Budget budget) {
    int count = (int) Math.max(0, Math.min(times, Integer.MAX_VALUE));
    switch (value) {
      case String s -> {
        budget.spend((long) s.length() * count);
        return s.repeat(count);
      }
      case List<?> l -> {
        budget.spend((long) l.size() * count);
        List<Object> all = new ArrayList<>();
        for (int i = 0; i < count && !l.isEmpty(); i++) {
          all.addAll(l);
        }
        return all;
      }
      case null, default -> {
        return null;
      }
    }
  }

  private static Object integers(String operator, long a, long b, Budget budget) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "/" -> {
        if (b == 0) {
          throw new ArithmeticException("division by zero");
        }
        yield (double) a / b;
      }
      case "//" -> Math.floorDivExact(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> b < 0 ? (Object) Math.pow(a, b) : (Object) Math.powExact(a, Math.toIntExact(b));
      default -> throw budget.fail("no operator '" + operator + "'");
    };
  }

  private static Object floats(String operator, double a, double b, Budget budget) {
    if (b == 0 && (operator.contains("/") || operator.equals("%"))) {
      throw new ArithmeticException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      default -> throw budget.fail("'" + operator + "' of float and float is not supported");
    };
  }

  static Object unary(String operator, Object value, Budget budget) {
    return switch (Values.number(value)) {
      case Long n when n != Long.MIN_VALUE -> operator.equals("-") ? -n : n;
      case Double d -> operator.equals("-") ? -d : d;
      case null, default ->
          throw budget.fail("'" + operator + "' of " + Values.type(value) + " is not supported");
    };
  }
}
