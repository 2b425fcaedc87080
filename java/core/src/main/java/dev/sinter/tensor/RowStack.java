package dev.sinter.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Puts weight matrices of one width on top of each other, so that layers which share their input
 * (query, key and value) run as one matmul. Values, codes and scales stay what they were.
 */
public final class RowStack {
  private static final long ALIGNMENT = 64;

  private RowStack() {}

  /**
   * @param parts at least one, all dense of one type or all quantized, equally wide
   * @param arena holds the copy
   */
  public static CompressedTensor of(
      String name, List<? extends CompressedTensor> parts, Arena arena) {
    int columns = parts.getFirst().columns();
    int rows = 0;
    long bytes = 0;
    for (CompressedTensor part : parts) {
      if (part.columns() != columns || !compatible(parts.getFirst(), part)) {
        throw new IllegalArgumentException(
            part.name()
                + " cannot be stacked on "
                + parts.getFirst().name()
                + ": widths or types differ");
      }
      rows += part.rows();
      bytes += data(part).byteSize();
    }
    MemorySegment all = arena.allocate(bytes, ALIGNMENT);
    float[] scales = new float[rows];
    long at = 0;
    int row = 0;
    for (CompressedTensor part : parts) {
      MemorySegment.copy(data(part), 0, all, at, data(part).byteSize());
      at += data(part).byteSize();
      for (int n = 0; part instanceof Quantized q && n < q.rows(); n++) {
        scales[row + n] = q.scale(n);
      }
      row += part.rows();
    }
    return switch (parts.getFirst()) {
      case Dense d -> new Dense(name, rows, columns, d.dtype(), all);
      case Quantized q ->
          new Quantized(name, rows, columns, q.bits(), Granularity.CHANNEL, all, scales);
    };
  }

  private static boolean compatible(CompressedTensor a, CompressedTensor b) {
    return switch (a) {
      case Dense d -> b instanceof Dense e && d.dtype() == e.dtype();
      case Quantized q -> b instanceof Quantized r && q.bits() == r.bits();
    };
  }

  private static MemorySegment data(CompressedTensor t) {
    return switch (t) {
      case Dense d -> d.data();
      case Quantized q -> q.codes();
    };
  }
}
