package dev.sinter.bench.peers;

/** How activations become codes, and where a peer may round to the neighbouring one. */
final class Rounding {
  // Multiplying by a reciprocal instead of dividing moves a quotient below 256 by a few units in
  // the last place of f32: that turns those that are nearly halfway between two codes.
  private static final double NEARLY = 1e-4;

  private Rounding() {}

  /** The nearest code, half to even. */
  static int code(double quotient) {
    return (int) Math.rint(quotient);
  }

  /** Whether the code next to {@link #code} is as good. */
  static boolean tied(double quotient) {
    double fraction = Math.abs(quotient - Math.floor(quotient) - 0.5);
    return fraction < NEARLY;
  }
}
