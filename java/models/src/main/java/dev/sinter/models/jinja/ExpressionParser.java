package dev.sinter.models.jinja;

import dev.sinter.models.jinja.Expression.CallArguments;
import dev.sinter.models.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Expressions of tokens, with the precedence of Jinja, which is not quite that of Python. */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", ">", ">=", "<", "<=");
  private static final Set<Kind> STARTS = Set.of(Kind.NAME, Kind.STRING, Kind.INTEGER, Kind.FLOAT);
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");

  /** What Jinja gives a macro besides its parameters. */
  private static final Set<String> MACRO_NAMES = Set.of("caller", "varargs", "kwargs");

  private final TokenReader reader;

  ExpressionParser(TokenReader reader) {
    this.reader = reader;
  }

  /** A name that a value may be given to. */
  String assignable(String name) {
    if (CONSTANTS.contains(name) || MACRO_NAMES.contains(name)) {
      throw reader.fail("a value for '" + name + "'");
    }
    return name;
  }

  /** An expression, or several with commas between them. */
  Expression tuple() {
    return tuple(true);
  }

  Expression tuple(boolean conditional) {
    Expression first = expression(conditional);
    if (!reader.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (reader.takeIfOperator(",")) {
      Token next = reader.peek();
      if (next.is(Kind.PRINT_END) || next.is(Kind.BLOCK_END) || next.isOperator(")")) {
        break;
      }
      items.add(expression(conditional));
    }
    return new Expression.TupleOf(items);
  }

  /**
   * @param conditional whether {@code a if b else c} may be one
   */
  Expression expression(boolean conditional) {
    reader.enter();
    Expression value = or();
    while (conditional && reader.takeIfName("if")) {
      Expression test = or();
      Expression otherwise = reader.takeIfName("else") ? expression(true) : null;
      value = new Expression.Conditional(test, value, otherwise);
    }
    reader.leave();
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (reader.takeIfName("or")) {
      left = new Expression.Binary("or", left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (reader.takeIfName("and")) {
      left = new Expression.Binary("and", left, not());
    }
    return left;
  }

  private Expression not() {
    if (!reader.takeIfName("not")) {
      return compare();
    }
    reader.enter();
    Expression not = new Expression.Unary("not", not());
    reader.leave();
    return not;
  }

  private Expression compare() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = reader.peek();
      if (token.is(Kind.OPERATOR) && COMPARISONS.contains(token.text())) {
        operators.add(reader.take().text());
      } else if (reader.takeIfName("in")) {
        operators.add("in");
      } else if (token.isName("not") && reader.peekSecond().isName("in")) {
        reader.take();
        reader.take();
        operators.add("not in");
      } else {
        break;
      }
      others.add(sum());
    }
    return operators.isEmpty() ? first : new Expression.Compare(first, operators, others);
  }

  private Expression sum() {
    Expression left = concat();
    while (reader.peek().isOperator("+") || reader.peek().isOperator("-")) {
      left = new Expression.Binary(reader.take().text(), left, concat());
    }
    return left;
  }

  private Expression concat() {
    Expression left = product();
    while (reader.takeIfOperator("~")) {
      left = new Expression.Binary("~", left, product());
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (reader.peek().is(Kind.OPERATOR)
        && Set.of("*", "/", "//", "%").contains(reader.peek().text())) {
      left = new Expression.Binary(reader.take().text(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (reader.takeIfOperator("**")) {
      left = new Expression.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean filters) {
    Expression value;
    if (reader.peek().isOperator("-") || reader.peek().isOperator("+")) {
      reader.enter();
      value = new Expression.Unary(reader.take().text(), unary(false));
      reader.leave();
    } else {
      value = primary();
    }
    value = postfix(value);
    return filters ? filtered(value) : value;
  }

  private Expression primary() {
    Token token = reader.take();
    switch (token.kind()) {
      case NAME -> {
        return name(token);
      }
      case STRING -> {
        StringBuilder all = new StringBuilder(token.text());
        while (reader.peek().is(Kind.STRING)) {
          all.append(reader.take().text());
        }
        return new Expression.Constant(all.toString());
      }
      case INTEGER -> {
        return new Expression.Constant(integer(token));
      }
      case FLOAT -> {
        return new Expression.Constant(Double.valueOf(token.text().replace("_", "")));
      }
      case OPERATOR -> {
        return switch (token.text()) {
          case "(" -> parenthesis();
          case "[" -> new Expression.ListOf(items("]"));
          case "{" -> dict();
          default -> throw new JinjaException(token.line(), "unexpected " + token.describe());
        };
      }
      default -> throw new JinjaException(token.line(), "unexpected " + token.describe());
    }
  }

  private Expression name(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expression.Constant(true);
      case "false", "False" -> new Expression.Constant(false);
      case "none", "None" -> new Expression.Constant(null);
      case String name when MACRO_NAMES.contains(name) ->
          throw new JinjaException(token.line(), "'" + name + "' is not supported");
      case String name -> new Expression.Name(name);
    };
  }

  private static Long integer(Token token) {
    try {
      return Long.valueOf(token.text().replace("_", ""));
    } catch (NumberFormatException e) {
      throw new JinjaException(token.line(), token.text() + " is too large");
    }
  }

  private Expression parenthesis() {
    if (reader.takeIfOperator(")")) {
      return new Expression.TupleOf(List.of());
    }
    Expression value = tuple();
    reader.expectOperator(")");
    return value;
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!reader.takeIfOperator(end)) {
      if (!items.isEmpty()) {
        reader.expectOperator(",");
        if (reader.takeIfOperator(end)) {
          break;
        }
      }
      items.add(expression(true));
    }
    return items;
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!reader.takeIfOperator("}")) {
      if (!keys.isEmpty()) {
        reader.expectOperator(",");
        if (reader.takeIfOperator("}")) {
          break;
        }
      }
      keys.add(expression(true));
      reader.expectOperator(":");
      values.add(expression(true));
    }
    return new Expression.DictOf(keys, values);
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (reader.takeIfOperator(".")) {
        Token name = reader.take();
        value =
            switch (name.kind()) {
              case NAME -> new Expression.Attribute(value, name.text());
              case INTEGER -> new Expression.Item(value, new Expression.Constant(integer(name)));
              default -> throw new JinjaException(name.line(), "a name is missing behind '.'");
            };
      } else if (reader.takeIfOperator("[")) {
        value = subscript(value);
      } else if (reader.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression of) {
    Expression from = reader.peek().isOperator(":") ? null : expression(true);
    if (from != null && reader.takeIfOperator("]")) {
      return new Expression.Item(of, from);
    }
    reader.expectOperator(":");
    Expression to = bound();
    Expression step = reader.takeIfOperator(":") ? bound() : null;
    reader.expectOperator("]");
    return new Expression.Slice(of, from, to, step);
  }

  private Expression bound() {
    Token next = reader.peek();
    return next.isOperator(":") || next.isOperator("]") ? null : expression(true);
  }

  private Expression filtered(Expression start) {
    Expression value = start;
    while (true) {
      if (reader.takeIfOperator("|")) {
        String name = reader.expectName();
        CallArguments arguments = reader.peek().isOperator("(") ? arguments() : CallArguments.NONE;
        value = new Expression.Filter(value, name, arguments);
      } else if (reader.takeIfName("is")) {
        value = test(value);
      } else if (reader.peek().isOperator("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression test(Expression input) {
    boolean negated = reader.takeIfName("not");
    String name = reader.expectName();
    CallArguments arguments = CallArguments.NONE;
    Token next = reader.peek();
    if (next.isOperator("(")) {
      arguments = arguments();
    } else if ((STARTS.contains(next.kind()) || next.isOperator("[") || next.isOperator("{"))
        && !next.isName("else")
        && !next.isName("or")
        && !next.isName("and")) {
      if (next.isName("is")) {
        throw reader.fail("a test of a test");
      }
      arguments = new CallArguments(List.of(postfix(primary())), List.of(), List.of());
    }
    Expression test = new Expression.Test(input, name, arguments);
    return negated ? new Expression.Unary("not", test) : test;
  }

  private CallArguments arguments() {
    reader.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Expression> named = new ArrayList<>();
    while (!reader.takeIfOperator(")")) {
      if (!positional.isEmpty() || !names.isEmpty()) {
        reader.expectOperator(",");
        if (reader.takeIfOperator(")")) {
          break;
        }
      }
      if (reader.peek().is(Kind.NAME) && reader.peekSecond().isOperator("=")) {
        names.add(reader.take().text());
        reader.take();
        named.add(expression(true));
      } else if (names.isEmpty()) {
        positional.add(expression(true));
      } else {
        throw reader.fail("an argument without a name behind one with a name");
      }
    }
    return new CallArguments(positional, names, named);
  }
}
