package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Objects;

/**
 * Uncompressed weights of a floating type.
 *
 * @param data {@code rows * columns} elements of {@code dtype}, row-major
 */
public record Dense(String name, int rows, int columns, DType dtype, MemorySegment data)
    implements FullTensor {
  public Dense {
    Objects.requireNonNull(name, "name");
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": rows and columns must be at least 1, got " + rows + "x" + columns);
    }
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(name + ": dense weights are floating, got " + dtype);
    }
    long bytes = (long) rows * columns * dtype.bytes();
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          name
              + ": data has "
              + data.byteSize()
              + " bytes, "
              + rows
              + "x"
              + columns
              + " "
              + dtype
              + " needs "
              + bytes);
    }
  }

  /** A matrix from a file: its tensor must have two dimensions and a floating type. */
  public static Dense of(RawTensor tensor) {
    if (tensor.rank() != 2) {
      throw new IllegalArgumentException(tensor + ": a weight matrix has 2 dimensions");
    }
    return new Dense(
        tensor.name(),
        Math.toIntExact(tensor.dim(0)),
        Math.toIntExact(tensor.dim(1)),
        tensor.dtype(),
        tensor.data());
  }

  /**
   * The same values rounded to bfloat16, halves to even.
   *
   * @param allocator holds the result
   */
  public Dense toBf16(SegmentAllocator allocator) {
    if (dtype == DType.BF16) {
      return this;
    }
    long count = (long) rows * columns;
    MemorySegment rounded = allocator.allocate(2 * count, 64);
    for (long i = 0; i < count; i++) {
      rounded.set(DType.SHORT, 2 * i, DType.roundToBf16(dtype.readFloat(data, i)));
    }
    return new Dense(name, rows, columns, DType.BF16, rounded);
  }

  @Override
  public long bytes() {
    return data.byteSize();
  }

  @Override
  public void decodeRow(int row, float[] out) {
    long base = (long) row * columns;
    switch (dtype) { // the switch of readFloat in the loop would cost more than the reading
      case F32 -> {
        for (int k = 0; k < columns; k++) {
          out[k] = data.get(DType.FLOAT, 4 * (base + k));
        }
      }
      case BF16 -> {
        for (int k = 0; k < columns; k++) {
          out[k] = Float.intBitsToFloat(data.get(DType.SHORT, 2 * (base + k)) << 16);
        }
      }
      default -> {
        for (int k = 0; k < columns; k++) {
          out[k] = dtype.readFloat(data, base + k);
        }
      }
    }
  }
}
