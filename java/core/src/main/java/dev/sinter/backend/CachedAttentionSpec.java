package dev.sinter.backend;

import java.util.Objects;

/**
 * Causal softmax attention of new rows over a paged KV cache that holds their own keys and values
 * and those of all tokens before them (Vaswani et al., 2017; pages after Kwon et al., "Efficient
 * Memory Management for Large Language Model Serving with PagedAttention", 2023). For the query at
 * position p of a head, over the visible positions t, {@code max(0, p - window + 1) <= t <= p}:
 *
 * <pre>
 * s[t] = cap(scale * q . k[t])
 * out  = sum of softmax(s)[t] * v[t]
 * </pre>
 *
 * Query head h reads the keys and values of head {@code h / (heads / kvHeads)} (Ainslie et al.,
 * 2023).
 *
 * @param heads query heads, a multiple of kvHeads
 * @param kvHeads heads of keys and values
 * @param headDim elements of a head, 1 to {@link KvLayout#MAX_HEAD_DIM}
 * @param scale of a product, finite; by default {@code 1 / sqrt(headDim)}
 * @param softCap makes {@code cap(x) = softCap * tanh(x / softCap)} (Gemma 2); 0 for {@code cap(x)
 *     = x}
 * @param window positions that a query sees, its own among them; 0 for all up to its own
 * @param type of the cache
 */
public record CachedAttentionSpec(
    int heads, int kvHeads, int headDim, float scale, float softCap, int window, KvType type)
    implements OpSpec {
  /**
   * Positions of a segment. Kernels work segment by segment, each with a softmax of its own, and
   * merge these in order: a row then yields the same whatever part of it a tile is.
   */
  public static final int SEGMENT = 256;

  /** Most rows that one call of a kernel takes. */
  public static final int ROWS = 8;

  public CachedAttentionSpec {
    Objects.requireNonNull(type, "type");
    if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "heads must be a multiple of kvHeads, both at least 1, got " + heads + " and " + kvHeads);
    }
    if (headDim < 1 || headDim > KvLayout.MAX_HEAD_DIM) {
      throw new IllegalArgumentException(
          "headDim must be 1 to " + KvLayout.MAX_HEAD_DIM + ", got " + headDim);
    }
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("scale must be finite, got " + scale);
    }
    if (!(softCap >= 0 && softCap < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("softCap must be 0 or positive, got " + softCap);
    }
    if (window < 0) {
      throw new IllegalArgumentException("window must be 0 or positive, got " + window);
    }
  }

  /** Without cap and window, scaled by {@code 1 / sqrt(headDim)}. */
  public CachedAttentionSpec(int heads, int kvHeads, int headDim, KvType type) {
    this(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), 0, 0, type);
  }

  /** Query heads of one head of keys and values. */
  public int group() {
    return heads / kvHeads;
  }

  /** Elements of a row of queries, keys and values side by side. */
  public int qkvWidth() {
    return (heads + 2 * kvHeads) * headDim;
  }

  /** Elements of a row of the result. */
  public int outWidth() {
    return heads * headDim;
  }

  /** The first position that a query sees. */
  public int firstVisible(int position) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  /** Segments of a sequence of so many tokens. */
  public static int segments(int tokens) {
    return Math.ceilDiv(tokens, SEGMENT);
  }

  /**
   * What every kernel asks of a call before it touches memory.
   *
   * @throws IllegalArgumentException naming the argument that this spec does not allow
   */
  public void check(int row, int rows, int position, int kvHead, KvPages pages, int layer) {
    if (row < 0 || rows < 1 || rows > ROWS || position < 0) {
      throw new IllegalArgumentException(
          "row and position must be at least 0, rows 1 to "
              + ROWS
              + ", got "
              + row
              + ", "
              + position
              + ", "
              + rows);
    }
    if (kvHead < 0 || kvHead >= kvHeads) {
      throw new IllegalArgumentException("kvHead must be 0 to " + (kvHeads - 1) + ", is " + kvHead);
    }
    checkCache(pages.layout(), layer);
    if (KvLayout.pages(position + rows) > pages.pages()) {
      throw new IllegalArgumentException(
          "positions up to " + (position + rows) + " in " + pages.pages() + " pages");
    }
  }

  /**
   * @throws IllegalArgumentException unless the cache has the heads and the type of this spec, and
   *     the layer
   */
  public void checkCache(KvLayout layout, int layer) {
    if (layout.kvHeads() != kvHeads || layout.headDim() != headDim || layout.type() != type) {
      throw new IllegalArgumentException("the KV cache has " + layout + ", asked for " + this);
    }
    if (layer < 0 || layer >= layout.layers()) {
      throw new IllegalArgumentException(
          "layer must be 0 to " + (layout.layers() - 1) + ", is " + layer);
    }
  }

  @Override
  public String operation() {
    return "cached attention";
  }

  @Override
  public String toString() {
    return "cached attention "
        + heads
        + " heads over "
        + kvHeads
        + " of "
        + headDim
        + (window == 0 ? "" : ", window " + window)
        + (softCap == 0 ? "" : ", cap " + softCap)
        + ", "
        + type
        + " cache";
  }
}
