package dev.sinter.layer;

/** A KV cache has no room left within its limit. Nothing was lost or changed. */
public final class KvCacheFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long needed;
  private final long used;
  private final long limit;

  KvCacheFullException(long needed, long used, long limit) {
    super(
        "the KV cache is full: "
            + needed
            + " bytes needed, "
            + used
            + " in use, the limit is "
            + limit);
    this.needed = needed;
    this.used = used;
    this.limit = limit;
  }

  /** Bytes that were asked for, in whole pages. */
  public long needed() {
    return needed;
  }

  /** Bytes that were in use. */
  public long used() {
    return used;
  }

  /** Bytes that may be. */
  public long limit() {
    return limit;
  }
}
