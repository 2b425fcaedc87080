package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * A tensor as a file stores it: row-major, little-endian, not interpreted any further.
 *
 * @param name the name a user knows it by, for example {@code encoder.layer.0.output.dense.weight}
 * @param dtype element type
 * @param shape dimensions, outermost first; empty for a scalar; each at least 0
 * @param data exactly {@code elements() * dtype.bytes()} bytes
 */
public record RawTensor(String name, DType dtype, long[] shape, MemorySegment data) {
  public RawTensor {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(dtype, "dtype");
    shape = shape.clone();
    long bytes = Math.multiplyExact(elements(shape), (long) dtype.bytes());
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          name
              + ": data has "
              + data.byteSize()
              + " bytes, "
              + dtype
              + " "
              + Arrays.toString(shape)
              + " needs "
              + bytes);
    }
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Number of dimensions. */
  public int rank() {
    return shape.length;
  }

  /** Size of dimension {@code axis}. */
  public long dim(int axis) {
    return shape[axis];
  }

  public long elements() {
    return elements(shape);
  }

  /**
   * The values as floats, in row-major order.
   *
   * @throws IllegalArgumentException if the type is not floating or there are 2^31 or more elements
   */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = dtype.readFloat(data, i);
    }
    return values;
  }

  private static long elements(long[] shape) {
    long n = 1;
    for (long d : shape) {
      if (d < 0) {
        throw new IllegalArgumentException("negative dimension in " + Arrays.toString(shape));
      }
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  @Override
  public String toString() {
    return name + " " + dtype + " " + Arrays.toString(shape);
  }
}
