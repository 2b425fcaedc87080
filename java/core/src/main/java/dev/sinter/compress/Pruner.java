package dev.sinter.compress;

import dev.sinter.tensor.Dense;
import dev.sinter.tensor.Sparse;
import dev.sinter.tensor.Sparsity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the weights of least magnitude zero (Han et al., Learning both Weights and Connections for
 * Efficient Neural Networks, 2015, section 3, without the training after it). Of equal ones those
 * stay that come first in row-major order, so that results are reproducible. What stays keeps its
 * value and type. Thread-safe, no state.
 *
 * <p>A share is that of all weights or blocks, from 0 to below 1: {@code rint(share * count)} of
 * them are zero afterwards, or more where more were before. Weights must be finite: others are
 * refused with an IllegalArgumentException that names them, as are shares out of range.
 */
public final class Pruner {
  private static final long ALIGNMENT = 64;

  private Pruner() {}

  /**
   * What pruning made of a matrix.
   *
   * @param removed weights that were not zero before and are now
   * @param error against the weights before
   */
  public record Pruned(Sparse weights, long removed, ErrorReport error) {}

  /** Which weights of a row go. */
  private interface Rule {
    /**
     * @param row from 0 on, each once
     * @param gone gets true or false for each of them
     */
    void mark(int row, float[] weights, boolean[] gone);
  }

  /** Unstructured, a share of this matrix. */
  public static Pruned unstructured(Dense weights, double share, SegmentAllocator allocator) {
    return unstructured(List.of(weights), share, allocator).getFirst();
  }

  /**
   * Unstructured, a share of all matrices together: those whose weights are small lose more of
   * them, up to all.
   *
   * @return of each matrix, in order
   */
  public static List<Pruned> unstructured(
      List<Dense> matrices, double share, SegmentAllocator allocator) {
    List<Magnitudes> magnitudes = matrices.stream().map(Magnitudes::new).toList();
    long count = 0;
    for (Dense matrix : matrices) {
      count += (long) matrix.rows() * matrix.columns();
    }
    Cut cut = Cut.lowest(magnitudes, part(share, count));
    List<Pruned> pruned = new ArrayList<>();
    for (Dense matrix : matrices) {
      pruned.add(
          prune(
              matrix,
              Sparsity.UNSTRUCTURED,
              (row, weights, gone) -> {
                for (int k = 0; k < gone.length; k++) {
                  gone[k] = cut.drops(Math.abs(weights[k]));
                }
              },
              allocator));
    }
    return pruned;
  }

  /**
   * N:M: of every m weights of a row, side by side, the n largest stay (Mishra et al., Accelerating
   * Sparse Deep Neural Networks, 2021, section 4.1, for 2:4).
   */
  public static Pruned nOfM(Dense weights, Sparsity.NofM pattern, SegmentAllocator allocator) {
    return prune(
        weights,
        pattern,
        (row, values, gone) -> {
          for (int begin = 0; begin < gone.length; begin += pattern.m()) {
            int end = Math.min(gone.length, begin + pattern.m());
            for (int k = begin; k < end; k++) {
              gone[k] = rank(values, begin, end, k) >= pattern.n();
            }
          }
        },
        allocator);
  }

  /** How many weights of a group come before one: larger ones, and equal ones left of it. */
  private static int rank(float[] values, int begin, int end, int k) {
    float magnitude = Math.abs(values[k]);
    int rank = 0;
    for (int i = begin; i < end; i++) {
      float other = Math.abs(values[i]);
      rank += other > magnitude || (other == magnitude && i < k) ? 1 : 0;
    }
    return rank;
  }

  /**
   * Whole blocks, a share of those of this matrix, by their mean magnitude, so that blocks cut off
   * at the edges are no worse than others.
   *
   * @param norm what mean: of magnitudes, or the root of that of squares; rounded to f32
   */
  public static Pruned blocks(
      Dense weights, Sparsity.Blocks blocks, Norm norm, double share, SegmentAllocator allocator) {
    long count = blocks.count(weights.rows(), weights.columns());
    BlockMagnitudes magnitudes = new BlockMagnitudes(weights, blocks, norm);
    Cut cut = Cut.lowest(List.of(magnitudes), part(share, count));
    float[] scores = new float[magnitudes.columns()];
    boolean[] goneBlocks = new boolean[scores.length];
    return prune(
        weights,
        blocks,
        (row, values, gone) -> {
          if (row % blocks.rows() == 0) {
            magnitudes.read(row / blocks.rows(), scores);
            for (int i = 0; i < scores.length; i++) {
              goneBlocks[i] = cut.drops(scores[i]);
            }
          }
          for (int k = 0; k < gone.length; k++) {
            gone[k] = goneBlocks[k / blocks.columns()];
          }
        },
        allocator);
  }

  /** How many a share is. */
  static long part(double share, long count) {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException(
          "the share to remove must be from 0 to below 1, got " + share);
    }
    return (long) Math.rint(share * count);
  }

  private static Pruned prune(
      Dense weights, Sparsity sparsity, Rule rule, SegmentAllocator allocator) {
    int columns = weights.columns();
    int size = weights.dtype().bytes();
    MemorySegment data = allocator.allocate(weights.bytes(), ALIGNMENT).copyFrom(weights.data());
    float[] row = new float[columns];
    boolean[] gone = new boolean[columns];
    long removed = 0;
    for (int r = 0; r < weights.rows(); r++) {
      FiniteWeights.readRow(weights, r, row);
      rule.mark(r, row, gone);
      for (int k = 0; k < columns; k++) {
        if (gone[k]) {
          data.asSlice(((long) r * columns + k) * size, size).fill((byte) 0);
          removed += row[k] == 0 ? 0 : 1;
        }
      }
    }
    Dense pruned = new Dense(weights.name(), weights.rows(), columns, weights.dtype(), data);
    Sparse sparse = new Sparse(sparsity, pruned);
    return new Pruned(sparse, removed, ErrorReport.of(weights, sparse));
  }

  /** Of each weight. */
  private record Magnitudes(Dense weights) implements Cut.Scores {
    @Override
    public int rows() {
      return weights.rows();
    }

    @Override
    public int columns() {
      return weights.columns();
    }

    @Override
    public void read(int row, float[] out) {
      FiniteWeights.readRow(weights, row, out);
      for (int k = 0; k < out.length; k++) {
        out[k] = Math.abs(out[k]);
      }
    }
  }

  /** Of each block. */
  private record BlockMagnitudes(Dense weights, Sparsity.Blocks blocks, Norm norm)
      implements Cut.Scores {
    @Override
    public int rows() {
      return blocks.blockRows(weights.rows());
    }

    @Override
    public int columns() {
      return blocks.blockColumns(weights.columns());
    }

    @Override
    public void read(int blockRow, float[] out) {
      double[] sums = new double[out.length];
      float[] row = new float[weights.columns()];
      int begin = blockRow * blocks.rows();
      int end = (int) Math.min(weights.rows(), (blockRow + 1L) * blocks.rows());
      for (int r = begin; r < end; r++) {
        FiniteWeights.readRow(weights, r, row);
        for (int k = 0; k < row.length; k++) {
          sums[k / blocks.columns()] += norm.term(row[k]);
        }
      }
      for (int i = 0; i < out.length; i++) {
        long left = weights.columns() - (long) i * blocks.columns();
        long width = Math.min(blocks.columns(), left);
        out[i] = norm.mean(sums[i], width * (end - begin));
      }
    }
  }
}
