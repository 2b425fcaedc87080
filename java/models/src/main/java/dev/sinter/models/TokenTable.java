package dev.sinter.models;

import dev.sinter.layout.PackedWeights;
import dev.sinter.runtime.LargeMemory;
import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The embeddings of a decoder's tokens: floating, or int8 with a scale a row. Thread-safe. */
final class TokenTable {
  private static final long ALIGNMENT = 64;

  private final int hidden;
  private final DType dtype; // of the values: I8 for codes
  private final MemorySegment block; // all that follows
  private final MemorySegment values;
  private final MemorySegment scales; // of codes, f32; null for floating values
  private final float factor;

  private TokenTable(DType dtype, int rows, int hidden, float factor, MemorySegment block) {
    this.dtype = dtype;
    this.hidden = hidden;
    this.factor = factor;
    this.block = block;
    values = block.asSlice(0, valueBytes(dtype, rows, hidden));
    scales = dtype.isFloating() ? null : block.asSlice(scaleOffset(rows, hidden), 4L * rows);
  }

  private static long valueBytes(DType dtype, int rows, int hidden) {
    return (long) rows * hidden * dtype.bytes();
  }

  private static long scaleOffset(int rows, int hidden) {
    return Math.ceilDiv(valueBytes(DType.I8, rows, hidden), ALIGNMENT) * ALIGNMENT;
  }

  private static long bytes(DType dtype, int rows, int hidden) {
    return dtype.isFloating()
        ? valueBytes(dtype, rows, hidden)
        : scaleOffset(rows, hidden) + 4L * rows;
  }

  /**
   * @param table [vocabulary, hidden]
   * @param factor that embeddings are multiplied by
   * @param arena holds a copy
   */
  static TokenTable of(CompressedTensor table, float factor, Arena arena) {
    int rows = table.rows();
    int hidden = table.columns();
    DType dtype = table.full() instanceof Dense d ? d.dtype() : DType.I8;
    MemorySegment block = LargeMemory.allocate(arena, bytes(dtype, rows, hidden));
    TokenTable made = new TokenTable(dtype, rows, hidden, factor, block);
    switch (table.full()) {
      case Dense d -> made.values.copyFrom(d.data());
      case Quantized q -> {
        made.values.copyFrom(q.codes());
        for (int row = 0; row < rows; row++) {
          made.scales.setAtIndex(ValueLayout.JAVA_FLOAT, row, q.scale(row));
        }
      }
    }
    return made;
  }

  private static String layout(DType dtype) {
    return dtype.isFloating() ? "rows of " + dtype : "rows of " + dtype + ", scales in F32";
  }

  /** Whether {@link #of(PackedWeights, DType, int, int, float)} takes these. */
  static boolean fits(PackedWeights packed, DType dtype, int rows, int hidden) {
    return packed.layout().equals(layout(dtype))
        && packed.data().byteSize() == bytes(dtype, rows, hidden);
  }

  /**
   * What {@link #packed} gave out before.
   *
   * @param packed must live as long as the table
   * @param dtype floating, or I8 for codes
   */
  static TokenTable of(PackedWeights packed, DType dtype, int rows, int hidden, float factor) {
    return new TokenTable(dtype, rows, hidden, factor, packed.data());
  }

  /** The table as it is held. */
  PackedWeights packed() {
    return new PackedWeights(layout(dtype), block);
  }

  long bytes() {
    return block.byteSize();
  }

  /** Writes the embedding of a token to row {@code row} of x, f32 [rows, hidden]. */
  void write(int token, MemorySegment x, int row) {
    long from = (long) token * hidden;
    long to = (long) row * hidden;
    for (int i = 0; i < hidden; i++) {
      float value =
          scales == null
              ? dtype.readFloat(values, from + i)
              : values.get(ValueLayout.JAVA_BYTE, from + i)
                  * scales.getAtIndex(ValueLayout.JAVA_FLOAT, token);
      x.setAtIndex(ValueLayout.JAVA_FLOAT, to + i, value * factor);
    }
  }
}
