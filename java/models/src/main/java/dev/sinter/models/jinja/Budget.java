package dev.sinter.models.jinja;

/** What a render may still do: a template that loops for ever or fills the memory ends here. */
final class Budget {
  /** Nested expressions, statements and calls, so that the stack suffices. */
  private static final int MAX_DEPTH = 400;

  private long left;
  private int depth;
  private int line = 1;

  Budget(long work) {
    left = work;
  }

  /** The line of the statement that runs, for messages. */
  void at(int now) {
    line = now;
  }

  /** Counts an expression, or characters and items made or looked at. */
  void spend(long work) {
    left -= work;
    if (left < 0) {
      throw fail("the template does too much: it loops, or makes too long a text");
    }
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw fail("nested too deeply");
    }
  }

  void leave() {
    depth--;
  }

  JinjaException fail(String reason) {
    return new JinjaException(line, reason);
  }
}
