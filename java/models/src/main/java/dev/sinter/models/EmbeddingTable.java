package dev.sinter.models;

import dev.sinter.tensor.CompressedTensor;
import dev.sinter.tensor.DType;
import dev.sinter.tensor.Dense;
import dev.sinter.tensor.FullTensor;
import dev.sinter.tensor.Quantized;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Token embeddings of a BERT encoder: the word's row, floating or int8 with a scale per row, plus
 * that of its position, plus the one token type that single sentences have.
 */
final class EmbeddingTable {
  private static final long ALIGNMENT = 64;

  private final int hidden;
  private final int words;
  private final DType dtype; // of the values
  private final MemorySegment values;
  private final float[] scales; // null for floating values
  private final float[] positions; // token type 0 added

  /**
   * @param words the word embeddings: floating, or int8 per row
   * @param positions f32 [maxPositions, hidden], row-major
   * @param type f32 [hidden]
   * @param arena holds a copy, so that the checkpoint can be closed
   */
  EmbeddingTable(CompressedTensor words, float[] positions, float[] type, Arena arena) {
    this.words = words.rows();
    hidden = words.columns();
    this.positions = positions.clone();
    for (int i = 0; i < positions.length; i++) {
      this.positions[i] += type[i % hidden];
    }
    FullTensor table = words.full();
    dtype = table instanceof Dense d ? d.dtype() : DType.I8;
    MemorySegment source =
        switch (table) {
          case Dense d -> d.data();
          case Quantized q -> q.codes();
        };
    scales = table instanceof Quantized q ? rowScales(q) : null;
    values = arena.allocate(source.byteSize(), ALIGNMENT);
    values.copyFrom(source);
  }

  private static float[] rowScales(Quantized q) {
    float[] scales = new float[q.rows()];
    for (int row = 0; row < scales.length; row++) {
      scales[row] = q.scale(row);
    }
    return scales;
  }

  int words() {
    return words;
  }

  long bytes() {
    return values.byteSize() + 4L * positions.length + (scales == null ? 0 : 4L * scales.length);
  }

  /** Writes the embedding of one token at one position to row {@code row} of x, f32. */
  void write(int token, int position, MemorySegment x, int row) {
    long from = (long) token * hidden;
    long to = (long) row * hidden;
    int at = position * hidden;
    if (scales == null) {
      for (int i = 0; i < hidden; i++) {
        float value = dtype.readFloat(values, from + i);
        x.setAtIndex(ValueLayout.JAVA_FLOAT, to + i, value + positions[at + i]);
      }
    } else {
      float scale = scales[token];
      for (int i = 0; i < hidden; i++) {
        float value = values.get(ValueLayout.JAVA_BYTE, from + i) * scale;
        x.setAtIndex(ValueLayout.JAVA_FLOAT, to + i, value + positions[at + i]);
      }
    }
  }
}
