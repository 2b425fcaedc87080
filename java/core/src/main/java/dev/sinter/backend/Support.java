package dev.sinter.backend;

import java.util.Objects;

/**
 * A backend's answer to a spec. A "no" always says why: a missing JVM flag, library, instruction
 * set or shape, in words a user can act on.
 *
 * @param reason null if supported
 */
public record Support(boolean supported, String reason) {
  private static final Support YES = new Support(true, null);

  public Support {
    if (!supported) {
      Objects.requireNonNull(reason, "reason");
    }
  }

  public static Support yes() {
    return YES;
  }

  public static Support no(String reason) {
    return new Support(false, reason);
  }
}
