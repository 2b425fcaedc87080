package dev.sinter.models;

import dev.sinter.backend.KvType;
import dev.sinter.tensor.Scheme;
import java.util.Objects;

/**
 * How a decoder is loaded.
 *
 * @param scheme of its layers
 * @param cache how keys and values are kept
 * @param context longest text in tokens; 0 for as long as the model was made for, at most {@value
 *     #DEFAULT_CONTEXT}. A text takes memory for the tokens it has, not for those it may have
 * @param cacheBytes limit on the memory of all keys and values of all sessions
 */
public record DecoderOptions(DecoderScheme scheme, KvType cache, int context, long cacheBytes) {
  /** The longest context that is not asked for. */
  public static final int DEFAULT_CONTEXT = 32_768;

  private static final long DEFAULT_CACHE_BYTES = 4L << 30;

  public DecoderOptions {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(cache, "cache");
    if (context < 0) {
      throw new IllegalArgumentException("context must be at least 0, got " + context);
    }
  }

  /** An f32 cache of at most 4 GiB, and the model's own context. */
  public static DecoderOptions of(Scheme scheme) {
    return new DecoderOptions(DecoderScheme.of(scheme), KvType.F32, 0, DEFAULT_CACHE_BYTES);
  }

  public DecoderOptions withScheme(DecoderScheme other) {
    return new DecoderOptions(other, cache, context, cacheBytes);
  }

  public DecoderOptions withCache(KvType type) {
    return new DecoderOptions(scheme, type, context, cacheBytes);
  }

  public DecoderOptions withContext(int tokens) {
    return new DecoderOptions(scheme, cache, tokens, cacheBytes);
  }

  public DecoderOptions withCacheBytes(long bytes) {
    return new DecoderOptions(scheme, cache, context, bytes);
  }
}
