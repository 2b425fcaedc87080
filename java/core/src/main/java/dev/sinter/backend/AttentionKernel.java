package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/** {@link AttentionSpec}. */
public non-sealed interface AttentionKernel extends Kernel {
  /**
   * Computes one head of one sequence: rows {@code start} to {@code start + length}. Head h owns
   * columns {@code h * headDim} to {@code (h + 1) * headDim} of q, k, v and out, all f32.
   *
   * @param q queries; k keys and v values alike. Slices of one matrix that holds all three side by
   *     side are fine
   * @param stride elements from row to row of q, k and v, at least {@code heads * headDim}
   * @param out results [rows, heads * headDim], contiguous
   * @param length 1 to the spec's maxLength
   */
  void run(
      int worker,
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      int stride,
      MemorySegment out,
      int start,
      int length,
      int head);
}
