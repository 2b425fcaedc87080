package dev.sinter.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.sinter.backend.AttentionKernel;
import dev.sinter.backend.AttentionSpec;
import java.lang.foreign.MemorySegment;

/** Attention in float64; each score is computed three times rather than stored. Thread-safe. */
final class AttentionReference implements AttentionKernel {
  private final AttentionSpec spec;

  AttentionReference(AttentionSpec spec) {
    this.spec = spec;
  }

  @Override
  public String implementation() {
    return "attention_reference";
  }

  @Override
  public String isa() {
    return "java";
  }

  @Override
  public void run(
      int worker,
      MemorySegment q,
      MemorySegment k,
      MemorySegment v,
      int stride,
      MemorySegment out,
      int start,
      int length,
      int head) {
    spec.check(stride, start, length, head);
    for (int i = start; i < start + length; i++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int j = start; j < start + length; j++) {
        max = Math.max(max, score(q, k, stride, i, j, head));
      }
      double sum = 0;
      for (int j = start; j < start + length; j++) {
        sum += Math.exp(score(q, k, stride, i, j, head) - max);
      }
      for (int d = 0; d < spec.headDim(); d++) {
        double weighted = 0;
        for (int j = start; j < start + length; j++) {
          double p = Math.exp(score(q, k, stride, i, j, head) - max) / sum;
          weighted += p * v.getAtIndex(JAVA_FLOAT, index(j, stride, head, d));
        }
        int width = spec.heads() * spec.headDim();
        out.setAtIndex(JAVA_FLOAT, index(i, width, head, d), (float) weighted);
      }
    }
  }

  private double score(MemorySegment q, MemorySegment k, int stride, int i, int j, int head) {
    double dot = 0;
    for (int d = 0; d < spec.headDim(); d++) {
      dot +=
          (double) q.getAtIndex(JAVA_FLOAT, index(i, stride, head, d))
              * k.getAtIndex(JAVA_FLOAT, index(j, stride, head, d));
    }
    return dot / Math.sqrt(spec.headDim());
  }

  private long index(int row, int stride, int head, int d) {
    return (long) row * stride + (long) head * spec.headDim() + d;
  }
}
