package dev.sinter.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * Puts weight matrices of one width on top of each other, so that layers which share their input
 * (query, key and value) run as one matmul. Values, codes and scales stay what they were.
 */
public final class RowStack {
  private static final long ALIGNMENT = 64;

  private RowStack() {}

  /**
   * @param parts at least one, all dense of one type or all quantized in one format, equally wide
   *     and in one order of columns; sparse ones of one structure, whose blocks begin anew at the
   *     first row of the stack
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
                + ": widths, types, structures or column orders differ");
      }
      rows += part.rows();
      bytes += data(part.full()).byteSize();
    }
    MemorySegment all = arena.allocate(bytes, ALIGNMENT);
    long at = 0;
    for (CompressedTensor part : parts) {
      MemorySegment data = data(part.full());
      MemorySegment.copy(data, 0, all, at, data.byteSize());
      at += data.byteSize();
    }
    FullTensor stacked =
        switch (parts.getFirst().full()) {
          case Dense d -> new Dense(name, rows, columns, d.dtype(), all);
          case Quantized q ->
              quantized(
                  name,
                  rows,
                  rowwise(q.format()),
                  all,
                  parts.stream().map(p -> (Quantized) p.full()).toList());
        };
    return parts.getFirst() instanceof Sparse s ? new Sparse(s.sparsity(), stacked) : stacked;
  }

  private static Quantized quantized(
      String name, int rows, CodeFormat format, MemorySegment codes, List<Quantized> parts) {
    int columns = parts.getFirst().columns();
    int groups = format.groups(columns);
    float[] scales = new float[format.scales(rows, columns)];
    byte[] zeroPoints = format.zeroPoints() ? new byte[scales.length] : null;
    int at = 0;
    for (Quantized part : parts) {
      for (int row = 0; row < part.rows(); row++) {
        for (int group = 0; group < groups; group++, at++) {
          scales[at] = part.scale(row, group);
          if (zeroPoints != null) {
            zeroPoints[at] = (byte) part.zeroPoint(row, group);
          }
        }
      }
    }
    ColumnOrder order = parts.getFirst().columnOrder();
    return new Quantized(name, rows, columns, format, codes, scales, zeroPoints, order);
  }

  /** Parts have scales of their own, so what one scale was enough for has one a row here. */
  private static CodeFormat rowwise(CodeFormat format) {
    return format.granularity() == Granularity.TENSOR
        ? new CodeFormat(format.code(), Granularity.CHANNEL, 0, format.zeroPoints())
        : format;
  }

  private static boolean compatible(CompressedTensor a, CompressedTensor b) {
    return switch (a) {
      case Dense d -> b instanceof Dense e && d.dtype() == e.dtype();
      case Quantized q ->
          b instanceof Quantized r
              && rowwise(q.format()).equals(rowwise(r.format()))
              && Objects.equals(q.columnOrder(), r.columnOrder());
      case Sparse s ->
          b instanceof Sparse t
              && s.sparsity().equals(t.sparsity())
              && compatible(s.full(), t.full());
    };
  }

  private static MemorySegment data(FullTensor t) {
    return switch (t) {
      case Dense d -> d.data();
      case Quantized q -> q.codes();
    };
  }
}
