package dev.sinter.checkpoint;

/** A file that cannot be read as what it claims to be, or a tensor that it does not have. */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The offset when none is known. */
  public static final long UNKNOWN_OFFSET = -1;

  private final String file;
  private final String tensor;
  private final long offset;
  private final String reason;

  /**
   * @param tensor the tensor's name, or null if the trouble is not with one
   * @param offset byte in the file near which the trouble lies, or {@link #UNKNOWN_OFFSET}
   * @param cause may be null
   */
  public CheckpointException(
      String file, String tensor, long offset, String reason, Throwable cause) {
    super(message(file, tensor, offset, reason), cause);
    this.file = file;
    this.tensor = tensor;
    this.offset = offset;
    this.reason = reason;
  }

  /** Without a cause. */
  public CheckpointException(String file, String tensor, long offset, String reason) {
    this(file, tensor, offset, reason, null);
  }

  private static String message(String file, String tensor, long offset, String reason) {
    StringBuilder s = new StringBuilder(file);
    if (tensor != null) {
      s.append(", tensor ").append(tensor);
    }
    if (offset != UNKNOWN_OFFSET) {
      s.append(", at byte ").append(offset);
    }
    return s.append(": ").append(reason).toString();
  }

  public String file() {
    return file;
  }

  /** Null if the trouble is not with one tensor. */
  public String tensor() {
    return tensor;
  }

  /** {@link #UNKNOWN_OFFSET} if unknown. For a file in a jar: in the uncompressed file. */
  public long offset() {
    return offset;
  }

  /** The message without file, tensor and offset. */
  public String reason() {
    return reason;
  }
}
