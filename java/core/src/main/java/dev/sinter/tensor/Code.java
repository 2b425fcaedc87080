package dev.sinter.tensor;

/** What an integer weight is coded as, and in how many bits. */
public enum Code {
  /** -128 to 127, a byte each. */
  INT8("I8", 8, -128, 127),
  /** -8 to 7, in two's complement. */
  INT4("I4", 4, -8, 7),
  /** -1, 0 or 1, in two's complement of two bits; -2 is no code. */
  TERNARY("TERNARY", 2, -1, 1),
  /** -1 or 1, stored as 0 and 1. */
  BINARY("BINARY", 1, -1, 1);

  private final String label;
  private final int bits;
  private final int min;
  private final int max;

  Code(String label, int bits, int min, int max) {
    this.label = label;
    this.bits = bits;
    this.min = min;
    this.max = max;
  }

  /** Width of a stored code. */
  public int bits() {
    return bits;
  }

  public int min() {
    return min;
  }

  public int max() {
    return max;
  }

  /** Whether there is a code for this value. */
  public boolean has(int value) {
    return value >= min && value <= max && (this != BINARY || value != 0);
  }

  /** The integers with this many bits. */
  static Code integer(int bits) {
    return switch (bits) {
      case 8 -> INT8;
      case 4 -> INT4;
      default -> throw new IllegalArgumentException("bits must be 8 or 4, got " + bits);
    };
  }

  /** The low bits that stand for a value. */
  int toBits(int value) {
    return this == BINARY ? value + 1 >> 1 : value & (1 << bits) - 1;
  }

  /** The value of the low bits; what is above them does not matter. */
  int fromBits(int stored) {
    return this == BINARY
        ? 2 * (stored & 1) - 1
        : stored << Integer.SIZE - bits >> Integer.SIZE - bits;
  }

  @Override
  public String toString() {
    return label;
  }
}
