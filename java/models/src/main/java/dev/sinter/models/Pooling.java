package dev.sinter.models;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How the hidden states of a sentence become one vector, always of length 1 afterwards. */
public enum Pooling {
  /** The mean over all tokens, special ones included (Reimers and Gurevych, 2019). */
  MEAN;

  /** Pools rows {@code start} to {@code start + length} of x, f32 [rows, width]. */
  float[] pool(MemorySegment x, int width, int start, int length) {
    float[] out = new float[width];
    for (int row = start; row < start + length; row++) {
      long base = (long) row * width;
      for (int i = 0; i < width; i++) {
        out[i] += x.getAtIndex(ValueLayout.JAVA_FLOAT, base + i);
      }
    }
    double squares = 0;
    for (float v : out) {
      squares += (double) v * v;
    }
    // The mean's divisor cancels: only the direction is left.
    double norm = Math.sqrt(squares);
    for (int i = 0; i < width; i++) {
      out[i] = norm == 0 ? 0 : (float) (out[i] / norm);
    }
    return out;
  }
}
