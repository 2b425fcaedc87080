package dev.sinter.testing;

/**
 * Whether the build made libsinter. Maven hands {@code -Dsinter.native=off} on to the tests;
 * without it a library that cannot be loaded is a failure.
 */
public final class NativeBuild {
  /** What users are told when it was not made. */
  public static final String REASON =
      "libsinter was not built: install cmake and g++ and build again";

  private NativeBuild() {}

  public static boolean isOff() {
    return "off".equals(System.getProperty("sinter.native"));
  }
}
