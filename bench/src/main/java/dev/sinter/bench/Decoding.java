package dev.sinter.bench;

/**
 * What the rows of a decoder have beside others.
 *
 * @param cache how keys and values are kept: {@code f32}, {@code bf16}, {@code int8}, a peer's
 *     {@code f16}
 * @param stepShare share of attention in a decode step with so many tokens before it; null if the
 *     row is not of attention
 */
record Decoding(String cache, Double stepShare) {}
