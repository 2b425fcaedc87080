package dev.sinter.models;

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
  private final int hidden;
  private final DType dtype; // of the values
  private final MemorySegment values;
  private final float[] scales; // of codes; null for floating values
  private final float factor;

  /**
   * @param table [vocabulary, hidden]
   * @param factor that embeddings are multiplied by
   * @param arena holds a copy
   */
  TokenTable(CompressedTensor table, float factor, Arena arena) {
    hidden = table.columns();
    this.factor = factor;
    MemorySegment source;
    switch (table.full()) {
      case Dense d -> {
        dtype = d.dtype();
        source = d.data();
        scales = null;
      }
      case Quantized q -> {
        dtype = DType.I8;
        source = q.codes();
        scales = new float[q.rows()];
        for (int row = 0; row < scales.length; row++) {
          scales[row] = q.scale(row);
        }
      }
    }
    values = LargeMemory.allocate(arena, source.byteSize());
    values.copyFrom(source);
  }

  long bytes() {
    return values.byteSize() + (scales == null ? 0 : 4L * scales.length);
  }

  /** Writes the embedding of a token to row {@code row} of x, f32 [rows, hidden]. */
  void write(int token, MemorySegment x, int row) {
    long from = (long) token * hidden;
    long to = (long) row * hidden;
    for (int i = 0; i < hidden; i++) {
      float value =
          scales == null
              ? dtype.readFloat(values, from + i)
              : values.get(ValueLayout.JAVA_BYTE, from + i) * scales[token];
      x.setAtIndex(ValueLayout.JAVA_FLOAT, to + i, value * factor);
    }
  }
}
