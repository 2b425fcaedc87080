package dev.sinter.checkpoint;

/**
 * What a file says of a tensor before its values are read.
 *
 * @param type the {@link dev.sinter.tensor.DType}'s name, or what the file calls a type that is not
 *     supported
 * @param shape dimensions, outermost first; empty for a scalar
 * @param bytes of the values; -1 if that cannot be known since they are not supported
 */
public record TensorInfo(String name, String type, long[] shape, long bytes) {
  public TensorInfo {
    shape = shape.clone();
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** The product of the dimensions. */
  public long elements() {
    long n = 1;
    for (long d : shape) {
      n *= d;
    }
    return n;
  }
}
