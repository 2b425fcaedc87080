package dev.sinter.models.jinja;

import java.util.List;

/** What a template does, one after another. */
sealed interface Statement {
  record Text(String text) implements Statement {}

  record Print(int line, Expression value) implements Statement {}

  /** The body of the first test that holds; the last may be the constant true, of else. */
  record If(int line, List<Expression> tests, List<List<Statement>> bodies) implements Statement {}

  /**
   * @param filter which items count; null for all
   */
  record For(
      int line,
      List<String> targets,
      Expression items,
      Expression filter,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  record Set(int line, List<String> targets, Expression value) implements Statement {}

  /** {@code set namespace.attribute = value}. */
  record SetAttribute(int line, String namespace, String attribute, Expression value)
      implements Statement {}

  record SetBlock(int line, String target, List<Statement> body) implements Statement {}

  /**
   * @param defaults one a parameter, null where there is none
   */
  record Macro(
      int line,
      String name,
      List<String> parameters,
      List<Expression> defaults,
      List<Statement> body)
      implements Statement {}

  /** {@code generation}: transformers marks the assistant's words with it. */
  record Generation(List<Statement> body) implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}
}
