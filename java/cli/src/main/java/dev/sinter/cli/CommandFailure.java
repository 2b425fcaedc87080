package dev.sinter.cli;

/** A command cannot do what it was asked; the message and the hint are for the person who asked. */
public final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String hint;

  /**
   * @param hint what to try next, or null
   */
  public CommandFailure(String message, String hint, Throwable cause) {
    super(message, cause);
    this.hint = hint;
  }

  String hint() {
    return hint;
  }
}
