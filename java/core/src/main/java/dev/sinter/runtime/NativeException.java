package dev.sinter.runtime;

/** A native library reported that an operation failed. */
public class NativeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String operation;
  private final int status;

  /**
   * @param operation what was called, with what tells one call from another
   * @param status as the library returned it
   * @param text what the status means, in words
   */
  public NativeException(String operation, int status, String text) {
    super(operation + ": " + text + " (status " + status + ")");
    this.operation = operation;
    this.status = status;
  }

  public String operation() {
    return operation;
  }

  public int status() {
    return status;
  }
}
