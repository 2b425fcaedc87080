package dev.sinter.models.jinja;

/**
 * What a name without a value has: false, empty, and printed as nothing; an error in most else.
 *
 * @param name for messages
 */
record Undefined(String name) {
  /** All are equal, as in Python. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Undefined;
  }

  @Override
  public int hashCode() {
    return 0;
  }
}
