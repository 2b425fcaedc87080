package dev.sinter.compress;

import dev.sinter.tensor.Dense;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Removes whole units of a layer, which leaves smaller dense matrices that every kernel runs:
 *
 * <ul>
 *   <li>neurons of a feed-forward network: rows of the matrices that make them (up, and gate if
 *       there is one) and columns of the one that reads them (down); as many units as columns;
 *   <li>heads of an attention: rows of query, key and value and columns of the output matrix; as
 *       many units as heads, or with grouped queries as heads of keys and values, whose queries go
 *       with them.
 * </ul>
 *
 * <p>Units of the least magnitude go, over all weights that go with them (Li et al., Pruning
 * Filters for Efficient ConvNets, 2017, section 3.1, who remove filters so); of equal ones the
 * first stay. Thread-safe, no state.
 */
public final class UnitPruner {
  private static final long ALIGNMENT = 64;

  private UnitPruner() {}

  /**
   * What is left.
   *
   * @param units how many there were
   * @param kept those that stayed, ascending
   * @param producers the matrices with fewer rows, in the order they were given
   * @param consumer the matrix with fewer columns
   * @param removed weights that are gone, of all matrices
   * @param error what this did to the consumer, whose columns count as zero for units that are
   *     gone: what the layer's result loses is what passed through them
   */
  public record Smaller(
      int units,
      int[] kept,
      List<Dense> producers,
      Dense consumer,
      long removed,
      ErrorReport error) {
    public Smaller {
      kept = kept.clone();
      producers = List.copyOf(producers);
    }

    /** A copy of the units that stayed. */
    @Override
    public int[] kept() {
      return kept.clone();
    }

    /** Share of the units that stayed. */
    public double density() {
      return (double) kept.length / units;
    }

    /**
     * What is left of the bias of a producer.
     *
     * @param bias as many values as it had rows
     */
    public float[] keep(float[] bias) {
      int width = width("bias", bias.length, units);
      float[] left = new float[kept.length * width];
      for (int i = 0; i < kept.length; i++) {
        System.arraycopy(bias, kept[i] * width, left, i * width, width);
      }
      return left;
    }
  }

  /**
   * @param producers matrices whose rows, in order, are those of the units, the same number for
   *     each
   * @param consumer the matrix whose columns are
   * @param share of the units, from 0 to below 1: {@code rint(share * units)} are removed
   * @param allocator holds the results
   * @throws IllegalArgumentException for rows or columns that are no multiple of the units, for a
   *     share out of range or that leaves no unit, or if a weight is NaN or infinite
   */
  public static Smaller remove(
      List<Dense> producers,
      Dense consumer,
      int units,
      Norm norm,
      double share,
      SegmentAllocator allocator) {
    int count = Math.toIntExact(Pruner.part(share, units));
    if (units < 1 || count == units) {
      throw new IllegalArgumentException(
          "removing a share of " + share + " of " + units + " units leaves none");
    }
    double[] sums = new double[units];
    for (Dense producer : producers) {
      int width = width(producer.name() + ": rows", producer.rows(), units);
      float[] row = new float[producer.columns()];
      for (int r = 0; r < producer.rows(); r++) {
        FiniteWeights.readRow(producer, r, row);
        for (float weight : row) {
          sums[r / width] += norm.term(weight);
        }
      }
    }
    int width = width(consumer.name() + ": columns", consumer.columns(), units);
    float[] row = new float[consumer.columns()];
    for (int r = 0; r < consumer.rows(); r++) {
      FiniteWeights.readRow(consumer, r, row);
      for (int k = 0; k < row.length; k++) {
        sums[k / width] += norm.term(row[k]);
      }
    }
    int[] kept =
        IntStream.range(0, units)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer unit) -> -sums[unit]))
            .limit(units - count)
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray();
    long removed = consumer.rows() * (long) width * count;
    List<Dense> left = new ArrayList<>();
    for (Dense producer : producers) {
      left.add(rows(producer, units, kept, allocator));
      removed += (long) producer.rows() / units * count * producer.columns();
    }
    return new Smaller(
        units,
        kept,
        left,
        columns(consumer, units, kept, allocator),
        removed,
        error(consumer, units, kept));
  }

  private static int width(String what, int length, int units) {
    if (length % units != 0) {
      throw new IllegalArgumentException(
          what + " of " + length + " are no multiple of the " + units + " units");
    }
    return length / units;
  }

  private static Dense rows(Dense w, int units, int[] kept, SegmentAllocator allocator) {
    int rows = w.rows() / units;
    long bytes = w.bytes() / units;
    MemorySegment data = allocator.allocate(bytes * kept.length, ALIGNMENT);
    for (int i = 0; i < kept.length; i++) {
      MemorySegment.copy(w.data(), kept[i] * bytes, data, i * bytes, bytes);
    }
    return new Dense(w.name(), rows * kept.length, w.columns(), w.dtype(), data);
  }

  private static Dense columns(Dense w, int units, int[] kept, SegmentAllocator allocator) {
    int columns = w.columns() / units;
    long bytes = (long) columns * w.dtype().bytes();
    MemorySegment data = allocator.allocate(w.rows() * bytes * kept.length, ALIGNMENT);
    for (int r = 0; r < w.rows(); r++) {
      for (int i = 0; i < kept.length; i++) {
        long from = ((long) r * units + kept[i]) * bytes;
        MemorySegment.copy(w.data(), from, data, ((long) r * kept.length + i) * bytes, bytes);
      }
    }
    return new Dense(w.name(), w.rows(), columns * kept.length, w.dtype(), data);
  }

  private static ErrorReport error(Dense w, int units, int[] kept) {
    try (Arena arena = Arena.ofConfined()) {
      long bytes = (long) w.columns() / units * w.dtype().bytes();
      MemorySegment data = arena.allocate(w.bytes(), ALIGNMENT); // zeros
      for (int r = 0; r < w.rows(); r++) {
        for (int unit : kept) {
          long at = ((long) r * units + unit) * bytes;
          MemorySegment.copy(w.data(), at, data, at, bytes);
        }
      }
      return ErrorReport.of(w, new Dense(w.name(), w.rows(), w.columns(), w.dtype(), data));
    }
  }
}
