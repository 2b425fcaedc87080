package dev.sinter.layer;

import dev.sinter.Sinter;
import dev.sinter.backend.NormKernel;
import dev.sinter.backend.NormSpec;
import dev.sinter.backend.Planner;
import java.lang.foreign.MemorySegment;

/**
 * RMS normalization of each head of the queries and of the keys, with a gamma for all heads of
 * either (Qwen3's q_norm and k_norm). Thread-safe.
 */
public final class HeadNorm implements AutoCloseable {
  private final int heads;
  private final int kvHeads;
  private final NormKernel queries;
  private final NormKernel keys;
  private final String explanation;

  private HeadNorm(
      int heads, int kvHeads, NormKernel queries, NormKernel keys, String explanation) {
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.queries = queries;
    this.keys = keys;
    this.explanation = explanation;
  }

  /**
   * @param queryGamma [headDim], of every query head
   * @param keyGamma [headDim], of every head of keys
   * @param epsilon added to the mean square; finite, not negative
   */
  public static HeadNorm of(
      Sinter sinter, int heads, int kvHeads, float[] queryGamma, float[] keyGamma, float epsilon) {
    if (heads < 1 || kvHeads < 1) {
      throw new IllegalArgumentException(
          "heads and kvHeads must be at least 1, got " + heads + " and " + kvHeads);
    }
    if (queryGamma.length != keyGamma.length) {
      throw new IllegalArgumentException(
          "queryGamma has " + queryGamma.length + " values, keyGamma " + keyGamma.length);
    }
    int headDim = queryGamma.length;
    NormSpec spec = new NormSpec(NormSpec.Kind.RMS, headDim, epsilon, null);
    Planner.Choice choice = sinter.planner().choose(spec);
    float[] beta = new float[headDim];
    NormKernel queries = choice.backend().norm(spec, queryGamma, beta);
    NormKernel keys = choice.backend().norm(spec, keyGamma, beta);
    return new HeadNorm(heads, kvHeads, queries, keys, choice.explain(queries));
  }

  /**
   * Normalizes queries and keys in place.
   *
   * @param qkv f32 [rows, (heads + 2 kvHeads) * headDim]
   */
  public RowOperation.Step step(MemorySegment qkv) {
    // A row of qkv is heads + 2 kvHeads rows of the norms.
    int row = heads + 2 * kvHeads;
    return (from, to) -> {
      for (int i = from; i < to; i++) {
        int first = Math.multiplyExact(i, row);
        queries.run(qkv, qkv, first, first + heads);
        keys.run(qkv, qkv, first + heads, first + heads + kvHeads);
      }
    };
  }

  public String explain() {
    return explanation;
  }

  @Override
  public void close() {
    queries.close();
    keys.close();
  }
}
