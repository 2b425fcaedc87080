package dev.sinter.bench;

import dev.sinter.tensor.Sparsity;

/** Names of the formats of weights, as {@code format} of a row has them. */
final class Format {
  static final String DENSE = "dense";

  private static final String BLOCK = "block";

  // Without a structure it is the kernels' way to store them, which depends on the values.
  private static final String CODES = "bitmask";
  private static final String FLOATS = "csr";

  private Format() {}

  /**
   * @param codes whether the values are codes
   */
  static String of(Sparsity sparsity, boolean codes) {
    return switch (sparsity) {
      case Sparsity.Blocks b -> BLOCK + b.id();
      case Sparsity.NofM p -> p.id();
      case Sparsity.Unstructured _ -> codes ? CODES : FLOATS;
    };
  }

  /** The inverse; null for {@link #DENSE}. */
  static Sparsity sparsity(String format) {
    return switch (format) {
      case DENSE -> null;
      case CODES, FLOATS -> Sparsity.UNSTRUCTURED;
      default -> Sparsity.of(format.startsWith(BLOCK) ? format.substring(BLOCK.length()) : format);
    };
  }
}
