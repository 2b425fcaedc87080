package dev.sinter.models;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes one vector of a sentence's hidden states.
 *
 * @param normalize whether it is scaled to length 1
 */
record Pooler(Pooling pooling, boolean normalize) {
  /** Pools rows {@code start} to {@code start + length} of x, f32 [rows, width]. */
  float[] pool(MemorySegment x, int width, int start, int length) {
    float[] out = new float[width];
    int rows = pooling == Pooling.CLS ? 1 : length;
    for (int row = start; row < start + rows; row++) {
      long base = (long) row * width;
      for (int i = 0; i < width; i++) {
        out[i] += x.getAtIndex(ValueLayout.JAVA_FLOAT, base + i);
      }
    }
    // The mean's divisor cancels where only the direction is left.
    double divisor = normalize ? length(out) : rows;
    for (int i = 0; i < width; i++) {
      out[i] = divisor == 0 ? 0 : (float) (out[i] / divisor);
    }
    return out;
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float v : vector) {
      squares += (double) v * v;
    }
    return Math.sqrt(squares);
  }
}
