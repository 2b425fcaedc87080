package dev.sinter.models;

/** Told how far a long operation is. Called by the thread that runs the operation. */
@FunctionalInterface
public interface Progress {
  /**
   * @param what what is being done, in the words of a user; a new text is a new operation
   * @param done from 0, in whatever unit {@code total} has
   * @param total -1 if unknown
   */
  void step(String what, long done, long total);

  /** Ignores all steps. */
  static Progress none() {
    return (what, done, total) -> {};
  }
}
