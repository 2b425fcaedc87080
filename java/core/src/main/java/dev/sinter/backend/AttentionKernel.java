package dev.sinter.backend;

import java.lang.foreign.MemorySegment;

/** {@link AttentionSpec}. */
public non-sealed interface AttentionKernel extends Kernel {
  /**
   * Computes one head of one sequence: rows {@code start} to {@code start + length} of q, k, v and
   * out, which are f32 [rows, heads * headDim], contiguous; head h owns columns {@code h * headDim}
   * to {@code (h + 1) * headDim}.
   *
   * @param length 1 to the spec's maxLength
   */
  void run(
      int worker,
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      MemorySegment out,
      int start,
      int length,
      int head);
}
