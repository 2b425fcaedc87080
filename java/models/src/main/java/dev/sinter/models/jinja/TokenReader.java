package dev.sinter.models.jinja;

import dev.sinter.models.jinja.Token.Kind;
import java.util.List;

/** Where a parser is. */
final class TokenReader {
  /** Of parentheses and statements in one another. */
  private static final int MAX_DEPTH = 100;

  private final List<Token> tokens;
  private int next;
  private int depth;

  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekSecond() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = peek();
    if (!token.is(Kind.END)) {
      next++;
    }
    return token;
  }

  boolean takeIfOperator(String operator) {
    boolean found = peek().isOperator(operator);
    if (found) {
      next++;
    }
    return found;
  }

  boolean takeIfName(String name) {
    boolean found = peek().isName(name);
    if (found) {
      next++;
    }
    return found;
  }

  Token expect(Kind kind, String what) {
    if (!peek().is(kind)) {
      throw unexpected(what);
    }
    return take();
  }

  void expectOperator(String operator) {
    if (!takeIfOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  String expectName() {
    return expect(Kind.NAME, "a name").text();
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw fail("nested too deeply");
    }
  }

  void leave() {
    depth--;
  }

  JinjaException unexpected(String expected) {
    return fail("unexpected " + peek().describe() + ", expected " + expected);
  }

  JinjaException fail(String reason) {
    return new JinjaException(peek().line(), reason);
  }
}
