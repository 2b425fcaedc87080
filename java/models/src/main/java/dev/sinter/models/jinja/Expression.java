package dev.sinter.models.jinja;

import java.util.List;

/** What has a value. */
sealed interface Expression {
  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record ListOf(List<Expression> items) implements Expression {}

  record TupleOf(List<Expression> items) implements Expression {}

  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

  /** {@code of.name}. */
  record Attribute(Expression of, String name) implements Expression {}

  /** {@code of[key]}. */
  record Item(Expression of, Expression key) implements Expression {}

  /** {@code of[from:to:step]}; each may be null. */
  record Slice(Expression of, Expression from, Expression to, Expression step)
      implements Expression {}

  record Call(Expression function, CallArguments arguments) implements Expression {}

  record Filter(Expression input, String name, CallArguments arguments) implements Expression {}

  record Test(Expression input, String name, CallArguments arguments) implements Expression {}

  /** {@code -}, {@code +} or {@code not}. */
  record Unary(String operator, Expression operand) implements Expression {}

  /** Arithmetic, {@code ~}, {@code and}, {@code or}. */
  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /** {@code first < second <= third}, with {@code in} and {@code not in}, too. */
  record Compare(Expression first, List<String> operators, List<Expression> others)
      implements Expression {}

  /**
   * @param no null if there is no else
   */
  record Conditional(Expression test, Expression yes, Expression no) implements Expression {}

  /** The arguments of a call, not yet evaluated. */
  record CallArguments(List<Expression> positional, List<String> names, List<Expression> named) {
    static final CallArguments NONE = new CallArguments(List.of(), List.of(), List.of());
  }
}
