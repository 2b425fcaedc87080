package dev.sinter.cli;

/** Cosine similarity of embeddings, computed in double. */
final class Cosine {
  private Cosine() {}

  static double of(float[] a, float[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }

  /** The row closest to row {@code of}, itself left out; the first of equals. */
  static int nearest(float[][] rows, int of) {
    int best = -1;
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < rows.length; i++) {
      double cosine = i == of ? Double.NEGATIVE_INFINITY : of(rows[i], rows[of]);
      if (cosine > highest) {
        highest = cosine;
        best = i;
      }
    }
    if (best < 0) {
      throw new IllegalArgumentException("no row has a cosine with row " + of);
    }
    return best;
  }
}
