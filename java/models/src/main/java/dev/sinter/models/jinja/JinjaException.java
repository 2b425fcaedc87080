package dev.sinter.models.jinja;

/** A template that cannot be parsed or rendered, or that refuses to be. */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean raised;

  private JinjaException(String message, boolean raised) {
    super(message);
    this.raised = raised;
  }

  JinjaException(int line, String reason) {
    this("line " + line + ": " + reason, false);
  }

  /** What {@code raise_exception(message)} throws. */
  static JinjaException raised(String message) {
    return new JinjaException(message, true);
  }

  /** Whether the template itself refused its input; the message is then its own. */
  public boolean isRaised() {
    return raised;
  }
}
