package dev.sinter.backend;

import dev.sinter.tensor.ActivationScheme;
import dev.sinter.tensor.ColumnOrder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * The input rows of a matmul in host memory: f32 values, bfloat16 values, or 8-bit codes with what
 * decodes them. Row r starts at element {@code r * stride}; columns {@code columns} to {@code
 * stride} hold the code of 0.0, the zero point of the row or its last group, so that a kernel may
 * read them as padding.
 *
 * <p>The caller keeps the memory alive and lets one writer at a time touch a row.
 */
public final class ActivationBuffer {
  /** Alignment of every segment that {@link #allocate} makes: a cache line. */
  public static final long ALIGNMENT = 64;

  private final ActivationScheme scheme;
  private final QuantizeSpec spec; // null for FLOAT
  private int rows;
  private final int columns;
  private final int stride;
  private MemorySegment data;
  private final MemorySegment scales;
  private final MemorySegment zeroPoints;
  private final MemorySegment sums;
  private final MemorySegment stepSums;

  private ActivationBuffer(
      ActivationScheme scheme,
      QuantizeSpec spec,
      int rows,
      int columns,
      int stride,
      MemorySegment data,
      MemorySegment scales,
      MemorySegment zeroPoints,
      MemorySegment sums,
      MemorySegment stepSums) {
    this.scheme = scheme;
    this.spec = spec;
    this.rows = rows;
    this.columns = columns;
    this.stride = stride;
    this.data = data;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.sums = sums;
    this.stepSums = stepSums;
  }

  /** f32 rows that already lie in memory, contiguous. */
  public static ActivationBuffer floats(MemorySegment x, int rows, int columns) {
    return new ActivationBuffer(
        ActivationScheme.FLOAT, null, rows, columns, columns, x, null, null, null, null);
  }

  /**
   * Room for the codes of {@code rows} rows, in one allocation of {@link #bytes}: an allocator that
   * hands out the same memory each time lets buffers share it that are never in use together.
   *
   * @param stride elements from row to row, at least {@code columns}
   */
  public static ActivationBuffer allocate(
      SegmentAllocator allocator, ActivationScheme scheme, int rows, int columns, int stride) {
    return allocate(allocator, new QuantizeSpec(columns, scheme), rows, stride);
  }

  /** The same for what a quantization makes. */
  public static ActivationBuffer allocate(
      SegmentAllocator allocator, QuantizeSpec spec, int rows, int stride) {
    ActivationScheme scheme = spec.scheme();
    int columns = spec.width();
    if (rows < 1 || columns < 1 || stride < columns) {
      throw new IllegalArgumentException(
          "rows and columns must be at least 1 and stride at least columns, got "
              + rows
              + ", "
              + columns
              + ", "
              + stride);
    }
    MemorySegment all = allocator.allocate(bytes(spec, rows, stride), ALIGNMENT);
    long size = scheme.bytes() * (long) rows * stride;
    MemorySegment data = all.asSlice(0, size);
    if (!scheme.isScaled()) {
      return new ActivationBuffer(
          scheme, spec, rows, columns, stride, data, null, null, null, null);
    }
    long entries = 4L * rows * spec.groups();
    long each = aligned(entries);
    long at = aligned(size);
    return new ActivationBuffer(
        scheme,
        spec,
        rows,
        columns,
        stride,
        data,
        all.asSlice(at, entries),
        all.asSlice(at + each, entries),
        all.asSlice(at + 2 * each, entries),
        spec.sumStep() == 0 ? null : all.asSlice(at + 3 * each, 4L * rows * spec.stepSums()));
  }

  /** Makes {@link #floats} those of other memory, with as many columns. */
  public void point(MemorySegment x, int rows) {
    if (scheme != ActivationScheme.FLOAT) {
      throw new IllegalStateException("codes stay where they were allocated");
    }
    data = x;
    this.rows = rows;
  }

  /** Bytes that {@link #allocate} takes. */
  public static long bytes(QuantizeSpec spec, int rows, int stride) {
    long elements = aligned(spec.scheme().bytes() * (long) rows * stride);
    return spec.scheme().isScaled()
        ? elements + 3 * aligned(4L * rows * spec.groups()) + aligned(4L * rows * spec.stepSums())
        : elements;
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  public ActivationScheme scheme() {
    return scheme;
  }

  /** Whether U8 codes and zero points are 128 lower, as signed bytes. */
  public boolean signedCodes() {
    return spec != null && spec.signedCodes();
  }

  /** Whether this takes what a quantization makes. */
  public boolean fits(QuantizeSpec spec) {
    return spec.equals(this.spec);
  }

  /** Rows there is room for. */
  public int rows() {
    return rows;
  }

  /** K, the values of a row. */
  public int columns() {
    return columns;
  }

  /** Elements from row to row; {@code columns} for f32. */
  public int stride() {
    return stride;
  }

  /** f32 or bfloat16 values, or codes. */
  public MemorySegment data() {
    return data;
  }

  /** Scales of a row: the groups of the scheme. */
  public int groups() {
    return scheme.groups(columns);
  }

  /** f32 [rows, groups]; null unless the scheme is scaled. */
  public MemorySegment scales() {
    return scales;
  }

  /**
   * int32 [rows, groups], 128 lower if {@link #signedCodes}; 0 for symmetric schemes; null unless
   * the scheme is scaled.
   */
  public MemorySegment zeroPoints() {
    return zeroPoints;
  }

  /** int32 [rows, groups], the sum of {@code q - z} over each group; null unless scaled. */
  public MemorySegment sums() {
    return sums;
  }

  /**
   * int32 [rows, ceil(K / sumStep)], the sums of {@code q - z} over each {@link #sumStep} values of
   * a row; null if it is 0.
   */
  public MemorySegment stepSums() {
    return stepSums;
  }

  /** As in the spec of the quantization that this is for; 0 for no {@link #stepSums}. */
  public int sumStep() {
    return spec == null ? 0 : spec.sumStep();
  }

  /** The order in which the columns of the input lie here; null for their own. */
  public ColumnOrder columnOrder() {
    return spec == null ? null : spec.columnOrder();
  }
}
