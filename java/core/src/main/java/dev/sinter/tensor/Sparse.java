package dev.sinter.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * Weights of which many are zero, and in which structure. The values are kept in full, with the
 * zeros where the absent weights are (for codes with zero points: the zero point): so whatever
 * reads full weights runs them too, exactly, and kernels pack what they keep at load from it and
 * {@link #mask}. Immutable but for the memory of the values.
 *
 * <p>A weight is present if it is not zero; what rounding to codes made zero is absent like any
 * other, unless it lies in a block with present ones.
 */
public final class Sparse implements CompressedTensor {
  private static final long ALIGNMENT = 64;

  /** What {@link #recognise} tries, the larger first. */
  private static final List<Sparsity.Blocks> BLOCKS =
      List.of(
          new Sparsity.Blocks(32, 32),
          new Sparsity.Blocks(16, 16),
          new Sparsity.Blocks(16, 4),
          new Sparsity.Blocks(8, 4),
          new Sparsity.Blocks(1, 16),
          new Sparsity.Blocks(8, 1));

  private static final List<Sparsity.NofM> PATTERNS =
      List.of(new Sparsity.NofM(1, 4), new Sparsity.NofM(2, 4), new Sparsity.NofM(4, 8));

  /** Blocks of which more are present are worth nothing, and may be there by chance. */
  private static final double MOST_PRESENT = 0.9;

  /** Share of weights in present blocks that are not zero; int4 makes zeros of one in six. */
  private static final double LEAST_FILLED = 0.5;

  /** How many more weights larger blocks may keep: small ones find some zeros by chance. */
  private static final double NEARLY = 1.1;

  /** Share of the places of N:M that are used. */
  private static final double LEAST_USED = 0.75;

  private final Sparsity sparsity;
  private final FullTensor values;
  private final Mask mask;

  /**
   * @throws IllegalArgumentException if the values do not have the structure, which names the row
   *     and the columns; or for binary codes, none of which is zero
   */
  public Sparse(Sparsity sparsity, FullTensor values) {
    this(sparsity, values, Mask.of(values));
  }

  private Sparse(Sparsity sparsity, FullTensor values, Mask mask) {
    this.sparsity = Objects.requireNonNull(sparsity, "sparsity");
    this.values = values;
    this.mask = mask;
    if (values instanceof Quantized q && q.format().code() == Code.BINARY) {
      throw new IllegalArgumentException(
          values.name() + ": no code of BINARY is zero, so none can be absent");
    }
    String breach = sparsity instanceof Sparsity.NofM pattern ? mask.breach(pattern) : null;
    if (breach != null) {
      throw new IllegalArgumentException(values.name() + " is not " + sparsity + ": " + breach);
    }
  }

  /**
   * Unstructured floating weights from those that are present.
   *
   * @param mask where they are
   * @param present their values, in row-major order, as {@link Csr} and bitmasks have them; those
   *     that are zero will count as absent
   * @param allocator holds the result
   * @throws IllegalArgumentException if they are not as many as in the mask
   */
  public static Sparse scatter(
      String name, Mask mask, DType dtype, MemorySegment present, SegmentAllocator allocator) {
    int size = dtype.bytes();
    requireAsMany(name, mask, present.byteSize(), mask.count() * size, " bytes of values");
    long elements = (long) mask.rows() * mask.columns();
    MemorySegment all = allocator.allocate(elements * size, ALIGNMENT).fill((byte) 0);
    long next = 0;
    for (int r = 0; r < mask.rows(); r++) {
      for (int k = 0; k < mask.columns(); k++) {
        if (mask.isPresent(r, k)) {
          long at = (long) r * mask.columns() + k;
          MemorySegment.copy(present, next * size, all, at * size, size);
          next++;
        }
      }
    }
    Dense dense = new Dense(name, mask.rows(), mask.columns(), dtype, all);
    return new Sparse(Sparsity.UNSTRUCTURED, dense);
  }

  /**
   * Unstructured codes from those that are present; the others get the zero point of their group.
   *
   * @param mask where they are
   * @param present one a byte, in row-major order
   * @param scales as {@link Quantized} has them
   * @param zeroPoints likewise; null if the format has none
   * @param allocator holds the result
   * @throws IllegalArgumentException if they are not as many as in the mask, or one is no code
   */
  public static Sparse scatter(
      String name,
      Mask mask,
      CodeFormat format,
      byte[] present,
      float[] scales,
      byte[] zeroPoints,
      SegmentAllocator allocator) {
    requireAsMany(name, mask, present.length, mask.count(), " codes");
    long rowBytes = format.rowBytes(mask.columns());
    MemorySegment all = allocator.allocate(mask.rows() * rowBytes, ALIGNMENT);
    Quantized codes =
        new Quantized(name, mask.rows(), mask.columns(), format, all, scales, zeroPoints);
    int width = format.groupWidth(mask.columns());
    byte[] row = new byte[mask.columns()];
    int next = 0;
    for (int r = 0; r < mask.rows(); r++) {
      for (int k = 0; k < row.length; k++) {
        row[k] = mask.isPresent(r, k) ? present[next++] : (byte) codes.zeroCode(r, k / width);
      }
      format.write(row, all, r * rowBytes);
    }
    return new Sparse(Sparsity.UNSTRUCTURED, codes);
  }

  private static void requireAsMany(
      String name, Mask mask, long actual, long expected, String what) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          name
              + ": "
              + actual
              + what
              + ", the "
              + mask.count()
              + " weights of the mask need "
              + expected);
    }
  }

  /**
   * The values in the structure that their zeros show: the largest of the known blocks that skips
   * nearly as many of them as any, or else N:M, or else none. Zeros within blocks, which come of
   * rounding to codes, are no matter while they are not the half; so zeros that lie anywhere are
   * not taken for blocks.
   */
  public static Sparse recognise(FullTensor values) {
    Mask mask = Mask.of(values);
    return new Sparse(recognise(mask), values, mask);
  }

  private static Sparsity recognise(Mask mask) {
    long present = mask.count();
    double fewest = Double.POSITIVE_INFINITY;
    double[] kept = new double[BLOCKS.size()]; // weights in present blocks; infinite if no fit
    for (int i = 0; i < kept.length; i++) {
      Sparsity.Blocks b = BLOCKS.get(i);
      long blocks = mask.count(b);
      double weights = (double) blocks * b.rows() * b.columns();
      boolean fits =
          blocks <= MOST_PRESENT * b.count(mask.rows(), mask.columns())
              && present >= LEAST_FILLED * weights;
      kept[i] = fits ? weights : Double.POSITIVE_INFINITY;
      fewest = Math.min(fewest, kept[i]);
    }
    for (int i = 0; i < kept.length; i++) {
      if (kept[i] <= NEARLY * fewest && kept[i] < Double.POSITIVE_INFINITY) {
        return BLOCKS.get(i);
      }
    }
    double all = (double) mask.rows() * mask.columns();
    for (Sparsity.NofM p : PATTERNS) {
      // Very sparse rows are N:M by chance; who meant it to be uses the places.
      if (present >= LEAST_USED * all * p.n() / p.m() && mask.breach(p) == null) {
        return p;
      }
    }
    return Sparsity.UNSTRUCTURED;
  }

  /**
   * The same weights in another structure, which decides what a kernel can skip.
   *
   * @throws IllegalArgumentException as the constructor
   */
  public Sparse as(Sparsity other) {
    return other.equals(sparsity) ? this : new Sparse(other, values, mask);
  }

  public Sparsity sparsity() {
    return sparsity;
  }

  /** All weights, zeros where they are absent. */
  public FullTensor values() {
    return values;
  }

  /** Which weights are not zero. */
  public Mask mask() {
    return mask;
  }

  /** Weights that are not zero. */
  public long nonZeros() {
    return mask.count();
  }

  /**
   * The share of the work that a kernel of this structure cannot skip, from 0 to 1: present blocks
   * among all, n of m, or weights that are not zero.
   */
  public double density() {
    return switch (sparsity) {
      case Sparsity.Blocks b -> (double) mask.count(b) / b.count(rows(), columns());
      case Sparsity.NofM p -> (double) p.n() / p.m();
      case Sparsity.Unstructured _ -> (double) nonZeros() / ((double) rows() * columns());
    };
  }

  @Override
  public String name() {
    return values.name();
  }

  @Override
  public int rows() {
    return values.rows();
  }

  @Override
  public int columns() {
    return values.columns();
  }

  /**
   * Bytes where absent weights are left out, as in a file or packed for a kernel: the others'
   * values with their scales, and a bit for each block or weight that says whether it is there.
   * This object itself keeps the values in full.
   */
  @Override
  public long bytes() {
    long weights = (long) rows() * columns();
    long elements =
        switch (values) {
          case Dense d -> d.dtype().bytes() * weights;
          case Quantized q -> q.codes().byteSize();
        };
    long places = sparsity instanceof Sparsity.Blocks b ? b.count(rows(), columns()) : weights;
    return Math.round(density() * elements)
        + (values.bytes() - elements)
        + Math.ceilDiv(places, Byte.SIZE);
  }

  @Override
  public FullTensor full() {
    return values;
  }

  @Override
  public void decodeRow(int row, float[] out) {
    values.decodeRow(row, out);
  }

  /** For example {@code encoder.weight: 16x4 blocks, density 0.500}. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s: %s, density %.3f", name(), sparsity, density());
  }
}
