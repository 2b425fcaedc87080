package dev.sinter.testing;

/** Sizes at which kernels go wrong: one, lane edges of every vector width, primes. */
public final class Shapes {
  /** Row counts, and widths of small matrices. */
  private static final int[] SMALL = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33};

  private static final int[] WIDTHS = {
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 97, 127, 128, 129, 255, 256,
    257, 383, 384, 385, 1536, 1537
  };

  private Shapes() {}

  public static int[] small() {
    return SMALL.clone();
  }

  public static int[] widths() {
    return WIDTHS.clone();
  }
}
