package dev.sinter.models.jinja;

import dev.sinter.models.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Statements of tokens. */
final class Parser {
  private final TokenReader reader;
  private final ExpressionParser expressions;
  private int loops; // around what is parsed, in the same macro

  Parser(List<Token> tokens) {
    reader = new TokenReader(tokens);
    expressions = new ExpressionParser(reader);
  }

  List<Statement> template() {
    List<Statement> body = body(Set.of());
    if (!reader.peek().is(Kind.END)) {
      throw reader.unexpected("text or a tag");
    }
    return body;
  }

  /** Up to a tag with one of these names; what is read then begins with the name. */
  private List<Statement> body(Set<String> ends) {
    reader.enter();
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = reader.peek();
      if (token.is(Kind.END)) {
        if (!ends.isEmpty()) {
          throw reader.unexpected(
              "one of the tags " + String.join(", ", ends.stream().sorted().toList()));
        }
        break;
      }
      reader.take();
      switch (token.kind()) {
        case TEXT -> statements.add(new Statement.Text(token.text()));
        case PRINT_BEGIN -> {
          Expression value = expressions.tuple();
          reader.expect(Kind.PRINT_END, "'}}'");
          statements.add(new Statement.Print(token.line(), value));
        }
        default -> { // a block begins: text, prints and blocks are all there is outside of tags
          Token name = reader.peek();
          if (name.is(Kind.NAME) && ends.contains(name.text())) {
            reader.leave();
            return List.copyOf(statements);
          }
          statements.add(statement());
        }
      }
    }
    reader.leave();
    return List.copyOf(statements);
  }

  private Statement statement() {
    Token tag = reader.expect(Kind.NAME, "the name of a tag");
    int line = tag.line();
    return switch (tag.text()) {
      case "if" -> conditional(line);
      case "for" -> loop(line);
      case "set" -> set(line);
      case "macro" -> macro(line);
      case "generation" -> {
        endTag();
        yield new Statement.Generation(separateBody("endgeneration"));
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw new JinjaException(line, tag.text() + " outside of a loop");
        }
        endTag();
        yield tag.text().equals("break") ? new Statement.Break() : new Statement.Continue();
      }
      default -> throw new JinjaException(line, "the tag '" + tag.text() + "' is not supported");
    };
  }

  private void endTag() {
    reader.expect(Kind.BLOCK_END, "'%}'");
  }

  private List<Statement> bodyUntil(String end) {
    List<Statement> body = body(Set.of(end));
    reader.take();
    endTag();
    return body;
  }

  /** A body that the loops around it cannot be left from. */
  private List<Statement> separateBody(String end) {
    int around = loops;
    loops = 0;
    List<Statement> body = bodyUntil(end);
    loops = around;
    return body;
  }

  private Statement conditional(int line) {
    List<Expression> tests = new ArrayList<>();
    List<List<Statement>> bodies = new ArrayList<>();
    while (true) {
      tests.add(expressions.expression(false));
      endTag();
      bodies.add(body(Set.of("elif", "else", "endif")));
      switch (reader.take().text()) {
        case "elif" -> {}
        case "else" -> {
          endTag();
          tests.add(new Expression.Constant(true));
          bodies.add(bodyUntil("endif"));
          return new Statement.If(line, tests, bodies);
        }
        default -> {
          endTag();
          return new Statement.If(line, tests, bodies);
        }
      }
    }
  }

  private Statement loop(int line) {
    List<String> targets = targets();
    if (!reader.takeIfName("in")) {
      throw reader.unexpected("'in'");
    }
    Expression items = expressions.tuple(false);
    Expression filter = reader.takeIfName("if") ? expressions.expression(true) : null;
    if (reader.peek().isName("recursive")) {
      throw reader.fail("recursive loops are not supported");
    }
    endTag();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    List<Statement> otherwise = List.of();
    if (reader.take().text().equals("else")) {
      endTag();
      otherwise = bodyUntil("endfor");
    } else {
      endTag();
    }
    return new Statement.For(line, targets, items, filter, body, otherwise);
  }

  /** Names, with commas between them if there are several. */
  private List<String> targets() {
    List<String> names = new ArrayList<>();
    boolean parentheses = reader.takeIfOperator("(");
    do {
      names.add(expressions.assignable(reader.expectName()));
    } while (reader.takeIfOperator(","));
    if (parentheses) {
      reader.expectOperator(")");
    }
    return List.copyOf(names);
  }

  private Statement set(int line) {
    if (reader.peekSecond().isOperator(".")) {
      String namespace = reader.expectName();
      reader.take();
      String attribute = reader.expectName();
      reader.expectOperator("=");
      Expression value = expressions.tuple();
      endTag();
      return new Statement.SetAttribute(line, namespace, attribute, value);
    }
    List<String> targets = targets();
    if (reader.takeIfOperator("=")) {
      Expression value = expressions.tuple();
      endTag();
      return new Statement.Set(line, targets, value);
    }
    if (targets.size() != 1 || !reader.peek().is(Kind.BLOCK_END)) {
      throw reader.unexpected("'='");
    }
    endTag();
    return new Statement.SetBlock(line, targets.getFirst(), separateBody("endset"));
  }

  private Statement macro(int line) {
    String name = expressions.assignable(reader.expectName());
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    reader.expectOperator("(");
    while (!reader.takeIfOperator(")")) {
      if (!parameters.isEmpty()) {
        reader.expectOperator(",");
      }
      parameters.add(expressions.assignable(reader.expectName()));
      defaults.add(reader.takeIfOperator("=") ? expressions.expression(true) : null);
    }
    endTag();
    List<Statement> body = separateBody("endmacro");
    return new Statement.Macro(line, name, List.copyOf(parameters), defaults, body);
  }
}
