package dev.sinter.checkpoint;

import dev.sinter.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Values of a tensor that come one by one, collected off-heap: floats as such, integers as 64 bits
 * since their true width may only be known once all are read.
 */
final class TypedValues implements AutoCloseable {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long INITIAL_BYTES = 4096;

  private Arena arena;
  private MemorySegment buffer = MemorySegment.NULL;
  private long used;

  long bytes() {
    return used;
  }

  /** Room for {@code bytes} more bytes, to be filled by the caller at once. */
  MemorySegment add(long bytes) {
    if (used + bytes > buffer.byteSize()) {
      grow(Math.max(used + bytes, Math.max(INITIAL_BYTES, 2 * buffer.byteSize())));
    }
    MemorySegment slice = buffer.asSlice(used, bytes);
    used += bytes;
    return slice;
  }

  void addLong(long value) {
    add(Long.BYTES).set(LONG, 0, value);
  }

  void addFloat(float value) {
    add(Float.BYTES).set(FLOAT, 0, value);
  }

  private void grow(long capacity) {
    Arena larger = Arena.ofConfined();
    MemorySegment moved = larger.allocate(capacity);
    MemorySegment.copy(buffer, 0, moved, 0, used);
    close();
    arena = larger;
    buffer = moved;
  }

  /**
   * Writes the values in their own width.
   *
   * @return the index of the first value that the type cannot hold, or -1
   */
  long convert(DType dtype, MemorySegment out) {
    if (dtype == DType.F32) {
      MemorySegment.copy(buffer, 0, out, 0, used);
      return -1;
    }
    for (long i = 0; i < used / Long.BYTES; i++) {
      long value = buffer.get(LONG, i * Long.BYTES);
      if (!fits(dtype, value)) {
        return i;
      }
      switch (dtype.bytes()) {
        case 1 -> out.set(ValueLayout.JAVA_BYTE, i, (byte) value);
        case 2 -> out.set(SHORT, 2 * i, (short) value);
        case 4 -> out.set(INT, 4 * i, (int) value);
        default -> out.set(LONG, 8 * i, value);
      }
    }
    return -1;
  }

  private static boolean fits(DType dtype, long value) {
    return switch (dtype) {
      case I8 -> value == (byte) value;
      case U8 -> value == (value & 0xFF);
      case F16, BF16 -> value == (value & 0xFFFF); // the bits of the float
      case I32 -> value == (int) value;
      case I64 -> true;
      default -> throw new AssertionError("no ONNX tensor keeps " + dtype + " as integers");
    };
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }
}
