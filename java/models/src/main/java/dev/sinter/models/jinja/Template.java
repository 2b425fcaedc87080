package dev.sinter.models.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/** A parsed template. Immutable and thread-safe. */
public final class Template {
  private static final int MAX_SOURCE = 1 << 20;

  private final List<Statement> body;

  private Template(List<Statement> body) {
    this.body = body;
  }

  /**
   * @param source at most 2^20 characters
   * @throws JinjaException for wrong syntax, or syntax that chat templates do not use
   */
  public static Template parse(String source) {
    if (source.length() > MAX_SOURCE) {
      throw new JinjaException(
          1, "the template has " + source.length() + " characters, at most " + MAX_SOURCE);
    }
    return new Template(new Parser(new Lexer(source).tokens()).template());
  }

  /**
   * @param variables of the types that the package names; not changed
   * @param clock for {@code strftime_now}
   * @param work bounds the expressions evaluated and characters made, together
   * @throws JinjaException if something is not supported, undefined, of a wrong type or too much,
   *     or the template raises
   */
  public String render(Map<String, Object> variables, Clock clock, long work) {
    return new Evaluator(variables, clock, new Budget(work)).render(body);
  }
}
