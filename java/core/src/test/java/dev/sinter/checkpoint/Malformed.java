package dev.sinter.checkpoint;

/** What the parsers of the tests throw at a file that is none. */
final class Malformed extends Exception {
  private static final long serialVersionUID = 1L;

  Malformed(String reason) {
    super(reason);
  }
}
