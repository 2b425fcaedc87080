package dev.sinter.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A tensor as the parsers of the tests see it. */
record PlainTensor(String type, long[] shape, byte[] data) {
  /** A text of the file's metadata, so that it is compared like all else. */
  static PlainTensor metadata(String text) {
    return new PlainTensor("text", new long[0], text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlainTensor t
        && type.equals(t.type)
        && Arrays.equals(shape, t.shape)
        && Arrays.equals(data, t.data);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(data);
  }

  @Override
  public String toString() {
    return type + " " + Arrays.toString(shape) + " of " + data.length + " bytes";
  }
}
