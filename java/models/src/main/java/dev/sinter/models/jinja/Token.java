package dev.sinter.models.jinja;

/**
 * @param text of a string, what it means; of others, as it stands in the source
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    TEXT,
    PRINT_BEGIN,
    PRINT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind other) {
    return kind == other;
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  /** For messages. */
  String describe() {
    return switch (kind) {
      case END -> "the end of the template";
      case TEXT -> "text";
      case PRINT_END -> "'}}'";
      case BLOCK_END -> "'%}'";
      case STRING -> "a string";
      default -> "'" + text + "'";
    };
  }
}
